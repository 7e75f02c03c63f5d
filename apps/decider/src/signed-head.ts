import { codecs, type TreeHeadRecord } from '#adapters';
import { parseCheckpoint, parseNote, parseVkey, verifyCheckpoint, type Checkpoint } from '#domain';

export interface HeadPins {
  readonly origin: string;
  readonly vkey: string;
  /** Unit leaves. */
  readonly from: bigint;
}

/** A tree head as someone wrote it on `checkpoints`; undefined when it is not one. */
export function decodeHead(value: Uint8Array): TreeHeadRecord | undefined {
  try {
    return codecs.treeHead.decode(value);
  } catch {
    return undefined;
  }
}

/**
 * The checkpoint inside, when the log's own key signed it; undefined otherwise, and for one below `from` leaves, of which there may be as
 * many as entries: those are not verified.
 */
export function signedHead(note: Uint8Array, { origin, vkey, from }: HeadPins): Checkpoint | undefined {
  try {
    if (parseCheckpoint(parseNote(note).text).size < from) return undefined;
    return verifyCheckpoint(note, { origin, verifier: parseVkey(vkey) });
  } catch {
    return undefined;
  }
}
