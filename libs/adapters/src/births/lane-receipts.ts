/** Receipts as a stranger reads them: from `receipts`, each verified with nothing but the key that the verifier trusts. */
import { formatTrust, type Statement } from '#domain';

import type { Home } from '../home/home.ts';
import { type KafkaRecord, LaneReader } from '../kafka/index.ts';
import { codecs, type ReceiptRecord } from '../wire/codec.ts';
import { LaneTrust } from './lane-trust.ts';
import { placeOfReceipt, type InputPlace } from './receipt-place.ts';

/** In hand only when it has been verified. */
export interface CheckedReceipt {
  readonly record: ReceiptRecord;
  readonly kind: string;
  readonly statement: Statement;
  /** Of the receipt's own record on `receipts`. */
  readonly offset: bigint;
  /** Of the input record, as far as it is said: routing, which nothing attests. */
  readonly place: InputPlace | undefined;
}

/** Receipts of one lane, from the first on, each verified as it comes. */
export class LaneReceipts {
  readonly all: CheckedReceipt[] = [];
  readonly #trust: LaneTrust;
  #offset = 0n;

  private constructor(
    private readonly reader: LaneReader,
    private readonly home: Home,
    readonly lane: number,
  ) {
    this.#trust = new LaneTrust(home.config, lane);
  }

  static async open(home: Home, brokers: readonly string[], lane: number): Promise<LaneReceipts> {
    return new LaneReceipts(await LaneReader.open({ brokers, clientId: 'countersign-receipts' }), home, lane);
  }

  /** Reads what is new, waiting up to `maxWaitMs` for it. */
  async poll(maxWaitMs: number): Promise<void> {
    const position = { topic: this.home.topic('receipts'), partition: this.lane, offset: this.#offset };
    const [fetched] = await this.reader.fetch([position], { maxWaitMs });
    if (!fetched) return;
    if (fetched.error && !fetched.error.retriable) throw fetched.error;
    for (const record of fetched.records) this.#check(record);
    this.#offset = fetched.nextOffset;
  }

  /** Trust file of a tenant's log, as the ledger registered it; undefined before that was read. */
  trustOf(tenant: string): string | undefined {
    const trust = this.#trust.of(tenant);
    return trust && formatTrust(trust.log.vkey);
  }

  /** Everything that is there now. */
  async catchUp(): Promise<void> {
    const [end] = await this.reader.endOffsets([{ topic: this.home.topic('receipts'), partition: this.lane }]);
    while (end && this.#offset < end.lastStable) await this.poll(10);
  }

  /** Where `receipts` ends now. */
  async end(): Promise<bigint> {
    const [end] = await this.reader.endOffsets([{ topic: this.home.topic('receipts'), partition: this.lane }]);
    return end?.lastStable ?? 0n;
  }

  close(): Promise<void> {
    return this.reader.close();
  }

  /** Throws ReceiptError for the first one that does not verify: nothing after it means anything. */
  #check({ value, offset, headers }: KafkaRecord): void {
    if (value === null) return;
    const record = codecs.receipt.decode(value);
    const statement = this.#trust.admit(record);
    this.all.push({ record, kind: record.kind, statement, offset, place: placeOfReceipt(headers['place'], statement) });
  }
}
