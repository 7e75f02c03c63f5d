/**
 * The receipt of (tenant, index) by binary search in `receipts`: a lane's receipts of one log are in the order of their indexes. The number
 * of fetches grows with the logarithm of the topic, as long as the tenant's receipts are spread over it. Nothing found here is verified.
 */
import type { LogReader } from '../kafka/reader.ts';
import { codecs, type ReceiptRecord } from '../wire/codec.ts';
import type { KafkaRecord } from '../kafka/records.ts';

/** Unit bytes: some tens of receipts. A batch that is larger comes whole. */
const PROBE_BYTES = 64 * 1024;
/** Offsets looked at first, from the end back; twice as many each time. */
const BACK_FIRST = 64n;

export interface SoughtPlace {
  readonly topic: string;
  readonly partition: number;
  readonly tenant: string;
}
export interface FoundReceipt {
  readonly record: ReceiptRecord;
  readonly kafka: KafkaRecord;
}

/** Of the tenant's log that goes on. undefined: there is none. */
export async function seekReceipt(reader: LogReader, place: SoughtPlace, index: number): Promise<FoundReceipt | undefined> {
  const [ends] = await reader.endOffsets([place]);
  if (!ends) return undefined;
  const last = await lastReceipt(reader, place, ends.start, ends.lastStable);
  if (!last || index > last.record.leafIndex) return undefined;
  if (index === last.record.leafIndex) return last;
  const { origin } = last.record;
  // INVARIANT: the receipt is at `low` or behind it, and before `high`.
  for (let [low, high] = [ends.start, last.kafka.offset]; low < high;) {
    const middle = (low + high) / 2n;
    const found = await firstReceipt(reader, place, middle, high);
    if (!found) high = middle;
    else if (found.record.origin !== origin || found.record.leafIndex < index) low = found.kafka.offset + 1n;
    else if (found.record.leafIndex === index) return found;
    else high = middle;
  }
  return undefined;
}

/** The tenant's first one at `from` or behind it, before `to`. */
async function firstReceipt(reader: LogReader, place: SoughtPlace, from: bigint, to: bigint): Promise<FoundReceipt | undefined> {
  for await (const found of receiptsOf(reader, place, from, to)) return found;
  return undefined;
}

/** The tenant's last one: it says which log goes on. */
async function lastReceipt(reader: LogReader, place: SoughtPlace, start: bigint, end: bigint): Promise<FoundReceipt | undefined> {
  for (let [to, back] = [end, BACK_FIRST]; to > start; back *= 2n) {
    const from = to - back > start ? to - back : start;
    let last: FoundReceipt | undefined;
    for await (const found of receiptsOf(reader, place, from, to)) last = found;
    if (last) return last;
    to = from;
  }
  return undefined;
}

/** The tenant's receipts from one offset to another, as they stand there. */
export async function* receiptsOf(reader: LogReader, place: SoughtPlace, from: bigint, to: bigint): AsyncGenerator<FoundReceipt> {
  const { topic, partition, tenant } = place;
  for (let offset = from; offset < to;) {
    const limits = { maxBytes: PROBE_BYTES, maxBytesPerPartition: PROBE_BYTES };
    const [fetched] = await reader.fetch([{ topic, partition, offset }], limits);
    if (fetched?.error) throw fetched.error;
    for (const kafka of fetched?.records ?? []) {
      if (kafka.offset >= to) return;
      const record = kafka.value && codecs.receipt.decode(kafka.value);
      if (record?.tenant === tenant) yield { record, kafka };
    }
    offset = fetched?.nextOffset ?? to;
  }
}
