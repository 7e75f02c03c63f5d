/** The key of one log, found with the smallest reading there is: ledger.json, the ledger's seed where it is, else the lane's receipts. */
import { ed25519PublicKey } from '#crypto';
import { formatVkey, ReceiptError, type Statement, tenantSeed, type Trust } from '#domain';

import { LaneTrust, LOG_KINDS, statementIn, trustIn } from '../births/lane-trust.ts';
import type { Home } from '../home/home.ts';
import type { LogReader } from '../kafka/reader.ts';
import { codecs, type ReceiptRecord } from '../wire/codec.ts';

/** Unit bytes. */
const FETCH_BYTES_MAX = 8 * 1024 * 1024;

export type KeysHome = Pick<Home, 'ledgerSeeds' | 'hasKey' | 'topic'> & { readonly config: Pick<Home['config'], 'systemLogs'> };

export class LogKeysFinder {
  readonly #lanes = new Map<number, { readonly trust: LaneTrust; offset: bigint }>();

  constructor(
    private readonly home: KeysHome,
    private readonly reader: LogReader,
    private readonly onProgress: (done: bigint, total: bigint) => void,
  ) {}

  /** What the receipt proves; undefined when no log of the ledger has signed it. */
  async prove(lane: number, record: ReceiptRecord): Promise<Statement | undefined> {
    for (const trust of await this.#candidates(lane, record)) {
      try {
        return statementIn(record.proof, trust);
      } catch (error) {
        if (!(error instanceof ReceiptError)) throw error; // signed with another key: perhaps the next one
      }
    }
    return undefined;
  }

  /** The keys that may have signed the receipt, the likeliest first. Empty: the lane's receipts name no key of such a log. */
  async #candidates(lane: number, { origin }: Pick<ReceiptRecord, 'origin'>): Promise<Trust[]> {
    const born = this.#of(lane).trust.ofOrigin(origin);
    if (born) return [born];
    const seeds = this.home.hasKey('ledger') ? this.home.ledgerSeeds() : [];
    if (seeds.length > 0) return seeds.map((seed) => trustIn(formatVkey(origin, ed25519PublicKey(tenantSeed(seed, origin))))).reverse();
    return [await this.#read(lane, origin)].flatMap((trust) => trust ?? []);
  }

  #of(lane: number): { readonly trust: LaneTrust; offset: bigint } {
    const known = this.#lanes.get(lane) ?? { trust: new LaneTrust(this.home.config, lane), offset: 0n };
    this.#lanes.set(lane, known);
    return known;
  }

  /** Only receipts that name keys are verified; the reading ends where the log's key is known. */
  async #read(lane: number, origin: string): Promise<Trust | undefined> {
    const read = this.#of(lane);
    const place = { topic: this.home.topic('receipts'), partition: lane };
    const [ends] = await this.reader.endOffsets([place]);
    while (ends && read.offset < ends.lastStable) {
      const limits = { maxBytes: FETCH_BYTES_MAX, maxBytesPerPartition: FETCH_BYTES_MAX };
      const [fetched] = await this.reader.fetch([{ ...place, offset: read.offset }], limits);
      if (fetched?.error) throw fetched.error;
      for (const { value } of fetched?.records ?? []) {
        const record = value && codecs.receipt.decode(value);
        if (record && LOG_KINDS.includes(record.kind)) read.trust.admit(record);
      }
      read.offset = fetched?.nextOffset ?? ends.lastStable;
      this.onProgress(read.offset, ends.lastStable);
      const found = read.trust.ofOrigin(origin);
      if (found) return found;
    }
    return undefined;
  }
}
