/** Every record of every topic, to bytes and back. Shapes: schemas/*.avsc; what the members mean: docs/topics.md. */
import type { LedgerRecord, SignedEnvelope, WireCodec } from '#domain';

import { AvroRecord } from './avro-record.ts';
import { currentSchema, type SchemaName, writtenSchemas } from './schemas.ts';

/** A ledger record whose entry does not say where its input is. */
export interface PlacedEntryRecord extends Omit<LedgerRecord, 'place'> {
  readonly sourceEpoch: number;
  readonly sourceOffset: number;
  readonly sender: string;
}
export interface InputKeyRecord {
  readonly origin: string;
  readonly leafIndex: number;
  /** 32 bytes. */
  readonly key: Uint8Array;
}
export interface ReceiptRecord {
  readonly tenant: string;
  readonly origin: string;
  readonly leafIndex: number;
  readonly treeSize: number;
  /** '' when the entry concerns no action. */
  readonly actionId: string;
  readonly kind: string;
  /** The .tlog-proof file. */
  readonly proof: Uint8Array;
}
export interface VerdictRecord {
  readonly tenant: string;
  readonly origin: string;
  readonly leafIndex: number;
  readonly actionId: string;
  readonly kind: string;
  readonly verdict: string;
  readonly reasons: readonly string[];
  /** The .tlog-proof file. */
  readonly receipt: Uint8Array;
  /** Exact payload bytes; null when the input key was erased. */
  readonly proposal: Uint8Array | null;
}
export interface TreeHeadRecord {
  readonly tenant: string;
  readonly origin: string;
  readonly size: number;
  /** Signed note. */
  readonly checkpoint: Uint8Array;
  readonly rangeHashes: readonly Uint8Array[];
  /** SHA-256 of the log's last entry. */
  readonly previous: Uint8Array;
  readonly lane: number;
  /** Origin of the log that goes on; null while this one does. */
  readonly successor: string | null;
}
export interface NotaryPositionRecord {
  readonly lane: number;
  readonly nextSeq: number;
  readonly ledgerOffset: number;
  readonly inputKeysOffset: number;
  readonly signature: Uint8Array;
  /** The decider's key that seals the next batch; null: the birth's. */
  readonly sealer: Uint8Array | null;
}
export interface DeadLetterRecord {
  readonly origin: string;
  readonly leafIndex: number;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly code: string;
  readonly bytes: Uint8Array;
}
export interface SnapshotManifest {
  readonly lane: number;
  /** The next record to be read after the snapshot. */
  readonly laneSeq: number;
  readonly ledgerOffset: number;
  readonly inputKeysOffset: number;
  /** SHA-256 of the ledger record at laneSeq − 1, as it is on the topic. */
  readonly recordHash: Uint8Array;
  readonly chunks: number;
  readonly sha256: Uint8Array;
  readonly stateVersion: number;
  readonly slot: number;
  readonly signature: Uint8Array;
}
export interface SnapshotChunk {
  readonly lane: number;
  readonly slot: number;
  readonly chunk: number;
  readonly bytes: Uint8Array;
}
export interface LaneClockRecord {
  readonly lane: number;
  /** The owner's wall clock when it asked. */
  readonly wallMs: number;
  /** Latest decision on the lane; 0 before the first. */
  readonly decidedAtMs: number;
}

/** One codec for each kind of record: `codecs.receipt.encode(value)`. Views where records are many, large and soon done with. */
export const codecs = {
  signedEnvelope: record<SignedEnvelope>('SignedEnvelope', 'views'),
  ledgerEntry: record<Omit<LedgerRecord, 'place'>>('LedgerEntry', 'views'),
  placedEntry: record<PlacedEntryRecord>('PlacedEntry', 'views'),
  inputKey: record<InputKeyRecord>('InputKey'),
  receipt: record<ReceiptRecord>('Receipt'),
  verdict: record<VerdictRecord>('Verdict', 'views'),
  treeHead: record<TreeHeadRecord>('TreeHead'),
  notaryPosition: record<NotaryPositionRecord>('NotaryPosition'),
  deadLetter: record<DeadLetterRecord>('DeadLetter'),
  snapshotManifest: record<SnapshotManifest>('SnapshotManifest'),
  snapshotChunk: record<SnapshotChunk>('SnapshotChunk'),
  laneClock: record<LaneClockRecord>('LaneClock'),
};

export const wire: WireCodec = {
  encodeRecord: ({ place, ...rest }) => {
    if (place === undefined) return codecs.ledgerEntry.encode(rest);
    return codecs.placedEntry.encode({ ...rest, sourceEpoch: place.epoch, sourceOffset: place.offset, sender: place.sender });
  },
  decodeRecord: (bytes) => {
    if (!codecs.placedEntry.wrote(bytes)) return codecs.ledgerEntry.decode(bytes);
    const { sourceEpoch, sourceOffset, sender, ...rest } = codecs.placedEntry.decode(bytes);
    return { ...rest, place: { epoch: sourceEpoch, offset: sourceOffset, sender } };
  },
  decodeEnvelope: (bytes) => {
    try {
      return codecs.signedEnvelope.decode(bytes);
    } catch {
      return undefined; // whatever is wrong with it, the entry says REFUSED_ENCODING and the bytes go to dead-letters
    }
  },
};

function record<T extends object>(name: SchemaName, reads?: 'views'): AvroRecord<T> {
  return new AvroRecord<T>(currentSchema(name), writtenSchemas(name), reads);
}
