/** Finding the receipt of one record that was sent: by what was sent, never by its place alone, which means another record after its topic was made anew. */
import { sha256Hex } from '#crypto';
import type { InputTopic } from '#domain';

import { wire } from '../wire/codec.ts';
import type { CheckedReceipt, LaneReceipts } from './lane-receipts.ts';

/** A record as its sender knows it. */
export interface SentRecord {
  readonly topic: InputTopic;
  readonly partition: number;
  readonly offset: bigint;
  /** The exact Kafka value. */
  readonly value: Uint8Array;
  /** End of the lane's `receipts` before it was sent: its own receipt comes no earlier. */
  readonly sinceReceipt: bigint;
}

/** Polls until the receipt of exactly this record has come; undefined when it has not within `waitMs`. */
export async function receiptOfSent(receipts: LaneReceipts, sent: SentRecord, waitMs: number): Promise<CheckedReceipt | undefined> {
  const deadline = performance.now() + waitMs;
  const isOf = matcher(sent);
  for (let from = 0; ;) {
    const found = receipts.all.slice(from).find(isOf);
    if (found || performance.now() > deadline) return found;
    from = receipts.all.length;
    await receipts.poll(100);
  }
}

/**
 * What was signed is known by the digest of its payload, which E has as its subject. Bytes that were refused without trust are in E only under
 * a key that the sender has not: of them their place, their length and that the answer came after them is all that can be compared. Such an
 * answer is a refusal, and permits nothing.
 */
export function matcher({ topic, partition, offset, value, sinceReceipt }: SentRecord): (receipt: CheckedReceipt) => boolean {
  const payload = wire.decodeEnvelope(value)?.payload;
  const digest = payload && sha256Hex(payload);
  return ({ kind, statement, place, offset: receiptOffset }) => {
    const { predicate, subject } = statement;
    if (predicate.source.kind !== 'record' || predicate.source.topic !== topic) return false;
    if (digest !== undefined && subject[0].digest.sha256 === digest) return true;
    const isRaw = kind === 'input.refused' && predicate['bytesMac'] !== undefined && predicate['length'] === value.length;
    return isRaw && receiptOffset >= sinceReceipt && place?.partition === partition && place.offset === offset;
  };
}
