/** Where receipts have come, as a platform that waits for them would see it; a broker that is away is asked again. */
import { setTimeout as delay } from 'node:timers/promises';

import { codecs, type Home, type KafkaRecord, LaneReader, placeOfReceipt } from '#adapters';
import { fromUtf8, parseProof, parseStatement } from '#domain';

import { until } from '../support/kafka.ts';

/** `<partition>/<offset>` on `actions`. */
export type Place = string;
export const placeOf = (partition: number, offset: bigint | number | string): Place => `${partition}/${offset}`;

/** Unit ms. */
const ASK_AGAIN_MS = 50;
/** Unit ms. Owners are killed meanwhile. */
const PATIENCE_MS = 90_000;

export class ReceiptWatch {
  readonly #seen = new Set<Place>();
  readonly #waiting = new Map<Place, () => void>();
  /** By the digest of what was sent, and by the proof's own text. */
  readonly #places = new Map<string, Place>();
  readonly #next: bigint[];
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(
    private readonly home: Home,
    private readonly brokers: readonly string[],
  ) {
    this.#next = Array.from({ length: home.config.lanes }, () => 0n);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** How many records of `actions` have their receipt. */
  get count(): number {
    return this.#seen.size;
  }

  has(place: Place): boolean {
    return this.#seen.has(place);
  }

  /** Resolves when the record has its receipt. */
  of(place: Place): Promise<void> {
    if (this.#seen.has(place)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.set(place, resolve));
  }

  /** Where the record is that has this receipt, or whose payload has this digest: an answer over HTTP does not say. */
  placeOf(name: string): Promise<Place> {
    return until('the receipt of what the gateway acknowledged', () => this.#places.get(name), { patienceMs: PATIENCE_MS });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const reader = await LaneReader.open({ brokers: this.brokers, clientId: 'test-receipts' }).catch(() => undefined);
      try {
        while (reader && !this.#isStopped()) await this.#poll(reader);
      } catch {
        // The broker is away: below, again.
      } finally {
        await reader?.close();
      }
      if (!this.#isStopped()) await delay(ASK_AGAIN_MS);
    }
  }

  async #poll(reader: LaneReader): Promise<void> {
    const positions = this.#next.map((offset, partition) => ({ topic: this.home.topic('receipts'), partition, offset }));
    for (const { partition, records, nextOffset } of await reader.fetch(positions)) {
      for (const record of records) this.#note(record);
      this.#next[partition] = nextOffset;
    }
  }

  #note(record: KafkaRecord): void {
    const place = placeAnswered(record);
    if (place === undefined) return;
    const { proof } = codecs.receipt.decode(record.value ?? Buffer.of());
    const { statement } = parseStatement(parseProof(proof).entry ?? new Uint8Array());
    this.#places.set(statement.subject[0].digest.sha256, place).set(fromUtf8(proof), place);
    this.#seen.add(place);
    this.#waiting.get(place)?.();
    this.#waiting.delete(place);
  }

  /** Asked after an await, where the compiler believes that nothing can have changed. */
  #isStopped(): boolean {
    return this.#stop.signal.aborted;
  }
}

/** The record of `actions` that a receipt or a verdict is about; undefined for any other. */
export function placeAnswered(
  { value, headers }: KafkaRecord,
  proofOf = (bytes: Buffer) => codecs.receipt.decode(bytes).proof,
): Place | undefined {
  const { statement } = parseStatement(parseProof(proofOf(value ?? Buffer.of())).entry ?? new Uint8Array());
  const place = placeOfReceipt(headers['place'], statement);
  return place?.topic === 'actions' ? placeOf(place.partition, place.offset) : undefined;
}
