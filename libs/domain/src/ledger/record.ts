/**
 * One record of the `ledger` topic, decoded. `entry` (E) is the Merkle leaf and the only thing attested; everything else
 * routes, orders and seals it. Bytes: docs/formats.md, "Ledger record".
 */
export interface LedgerRecord {
  /** E: JCS bytes of an in-toto Statement, at most 16 KiB. */
  readonly entry: Uint8Array;
  readonly inputForm: InputForm;
  /** none: empty; plain: the exact Kafka value; sealed: 12-byte nonce ‖ AES-256-GCM ciphertext ‖ 16-byte tag. */
  readonly input: Uint8Array;
  /** Whose tree: a tenant id, or `_system.<lane>`. Routing copy of what E says. */
  readonly tenant: string;
  readonly leafIndex: number;
  readonly kind: string;
  /** '' when the entry concerns no action. */
  readonly actionId: string;
  readonly lane: number;
  /** Dense per lane, from 0. */
  readonly laneSeq: number;
  readonly batchFirstSeq: number;
  readonly batchCount: number;
  /** The tenant's tree after the whole batch. */
  readonly treeSize: number;
  readonly root: Uint8Array;
  /** Where the input record is, from rules 2 on: E does not say it. undefined for ticks and under rules 1. */
  readonly place?: RecordPlace | undefined;
  /** On the batch's last record only: the decider's Ed25519 signature over the batch. */
  readonly batchSeal: Uint8Array | null;
}

/** On the lane's partition of the topic that E names. */
export interface RecordPlace {
  readonly epoch: number;
  readonly offset: number;
  /** Of bytes refused without trust: the tenant that they name; '' when they name none, and for every other entry. */
  readonly sender: string;
}

export type InputForm = 'none' | 'plain' | 'sealed';

/** Every record on `actions`, `outcomes` and `controls`. */
export interface SignedEnvelope {
  readonly payloadType: string;
  readonly payload: Uint8Array;
  readonly keyid: string;
  readonly signature: Uint8Array;
  readonly tenant: string;
  readonly lane: number;
}

/** How ledger records and envelopes look on the wire. The domain hashes wire bytes, so it is told how to make them. */
export interface WireCodec {
  encodeRecord(record: LedgerRecord): Uint8Array;
  /** Throws on anything that is not exactly one record. */
  decodeRecord(bytes: Uint8Array): LedgerRecord;
  /** undefined for anything that is not exactly one envelope. */
  decodeEnvelope(bytes: Uint8Array): SignedEnvelope | undefined;
}
