/** Receipts as a stranger reads them: from `receipts`, each verified with nothing but the key that the verifier trusts. */
import { formatTrust, parseTrust, type Statement, systemTree, type Trust, verifyReceipt } from '#domain';

import type { Home } from '../home/home.ts';
import { type KafkaRecord, LaneReader } from '../kafka/index.ts';
import { codecs, type ReceiptRecord } from '../wire/codec.ts';
import { textOf } from './facts.ts';
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
  readonly #trust = new Map<string, Trust>();
  /** Of a log.rotated whose log.closed is to come. */
  readonly #next = new Map<string, Trust>();
  #offset = 0n;

  private constructor(
    private readonly reader: LaneReader,
    private readonly home: Home,
    readonly lane: number,
  ) {
    for (const { lane: of, vkey } of home.config.systemLogs) this.#trust.set(systemTree(of), parseTrust(formatTrust(vkey)));
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
    const trust = this.#trust.get(tenant);
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
    const trust = this.#trust.get(record.tenant);
    if (!trust) throw new Error(`receipt of ${record.tenant}, which ${systemTree(this.lane)} has not registered`);
    const verified = verifyReceipt(record.proof, { origin: trust.log.name, verifier: trust.log, trust });
    const statement = verified.statement as unknown as Statement;
    this.#learnLog(record.tenant, statement);
    this.all.push({ record, kind: record.kind, statement, offset, place: placeOfReceipt(headers['place'], statement) });
  }

  /** A tenant's key is what a verified entry of the system's tree says it is; the system's own is in ledger.json. */
  #learnLog(tenant: string, { predicateType, predicate }: Statement): void {
    const named = (): Trust => parseTrust(formatTrust(textOf(predicate, 'vkey')));
    if (predicateType === 'urn:countersign:tenant.registered:v1') this.#trust.set(textOf(predicate, 'registers'), named());
    else if (predicateType === 'urn:countersign:log.rotated:v1') this.#next.set(textOf(predicate, 'rotates'), named());
    else if (predicateType === 'urn:countersign:log.closed:v1') {
      const next = this.#next.get(tenant);
      if (next?.log.name !== textOf(predicate, 'successor'))
        throw new Error(`the log of ${tenant} was closed, and no log.rotated named the next`);
      this.#trust.set(tenant, next);
    }
  }
}
