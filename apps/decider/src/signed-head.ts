import { codecs, type TreeHeadRecord } from '#adapters';
import { parseVkey, verifyCheckpoint, type Checkpoint } from '#domain';

/** A tree head as someone wrote it on `checkpoints`; undefined when it is not one. */
export function decodeHead(value: Uint8Array): TreeHeadRecord | undefined {
  try {
    return codecs.treeHead.decode(value);
  } catch {
    return undefined;
  }
}

/** The checkpoint inside, when the log's own key signed it. */
export function signedHead(note: Uint8Array, origin: string, vkey: string): Checkpoint | undefined {
  try {
    return verifyCheckpoint(note, { origin, verifier: parseVkey(vkey) });
  } catch {
    return undefined;
  }
}
