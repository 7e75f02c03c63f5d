import type { Logger } from 'pino';

import { codecs, KafkaFault, LaneReader, type ReceiptRecord } from '#adapters';

import { FairQueue } from '../fair-queue.ts';
import { Problem } from '../http/problem.ts';
import { Lru } from '../lru.ts';

/** Proofs of a few KB each: those that callers ask for right after the decision. */
const RECENT_MAX = 2048;
/** Reads that wait for their turn: one connection reads one record at a time, some milliseconds each. */
export const READS_MAX = 256;
/** Of one tenant: an eighth, so that no tenant alone fills what all share. */
export const READS_TENANT_MAX = 32;

/** One receipt by its place on `receipts`, from memory when it is recent. Verifies nothing. */
export class ReceiptReader {
  readonly #options: { brokers: readonly string[]; topic: string; log: Logger };
  readonly #recent = new Lru<string, Uint8Array>(RECENT_MAX);
  #reader: LaneReader | undefined;
  readonly #waiting = new FairQueue<() => Promise<void>>();
  #isReading = false;

  constructor(options: { brokers: readonly string[]; topic: string; log: Logger }) {
    this.#options = options;
  }

  remember(lane: number, offset: number, proof: Uint8Array): void {
    this.#recent.set(`${lane}/${offset}`, Uint8Array.from(proof)); // a view would keep its whole fetch answer alive
  }

  /** The `.tlog-proof` file of (tenant, index). Throws Problem. */
  async read(lane: number, offset: number, wanted: { tenant: string; leafIndex: number }): Promise<Uint8Array> {
    const known = this.#recent.get(`${lane}/${offset}`);
    if (known) return known;
    if (this.#waiting.length >= READS_MAX)
      throw new Problem(503, 'OVERLOADED', `more than ${READS_MAX} receipts are being read`, { retryAfterS: 1 });
    if (this.#waiting.lengthOf(wanted.tenant) >= READS_TENANT_MAX)
      throw new Problem(429, 'RATE_LIMITED', `more than ${READS_TENANT_MAX} receipts of the tenant are being read`, { retryAfterS: 1 });
    const receipt = await new Promise<ReceiptRecord>((resolve, reject) => {
      this.#waiting.push(wanted.tenant, () => this.#fetch(lane, offset).then(resolve, reject));
      void this.#readAll();
    });
    if (receipt.tenant !== wanted.tenant || receipt.leafIndex !== wanted.leafIndex) {
      throw new Problem(503, 'RECEIPT_UNVERIFIED', 'the record on receipts is not the one that was folded');
    }
    this.remember(lane, offset, receipt.proof);
    return receipt.proof;
  }

  async close(): Promise<void> {
    await this.#reader?.close();
  }

  /** One at a time, tenant by tenant in turns. */
  async #readAll(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    for (let next = this.#waiting.take(); next; next = this.#waiting.take()) await next();
    this.#isReading = false;
  }

  async #fetch(lane: number, offset: number): Promise<ReceiptRecord> {
    const { brokers, topic, log } = this.#options;
    try {
      this.#reader ??= await LaneReader.open({ brokers, clientId: 'countersign-gateway-receipts', log });
      const [answer] = await this.#reader.fetch([{ topic, partition: lane, offset: BigInt(offset) }]);
      if (answer?.error) throw answer.error;
      const record = answer?.records.find((each) => each.offset === BigInt(offset));
      if (!record?.value) throw new KafkaFault('RECORD_MISSING', `${topic}/${lane} has no record at offset ${offset}`);
      return codecs.receipt.decode(record.value);
    } catch (error) {
      const reader = this.#reader;
      this.#reader = undefined;
      await reader?.close();
      if (!(error instanceof KafkaFault)) throw error;
      throw new Problem(503, error.code, 'the receipt cannot be read from Kafka now', { retryAfterS: 2 });
    }
  }
}
