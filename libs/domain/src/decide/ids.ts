import { IdTable } from './id-table.ts';

/** At most this many ids are remembered on one lane: about 70 MB. Beyond, and beyond a tenant's fair share: DENY_LIMIT. */
export const IDS_PER_LANE_MAX = 1_000_000;

export interface KnownId {
  /** Leaf index of the first decision. */
  readonly index: number;
  /** First 16 bytes of the request digest; null when the first payload was erased. */
  readonly digest: Uint8Array | null;
  readonly expiresAtMs: number;
  /** An open escalation keeps its id beyond the proposal's expiry. */
  readonly open: boolean;
}

const BUCKET_MS = 60_000;

export const idKey = (issuer: string, id: string): string => `${issuer}\0${id}`;

/** Ids of one tenant, by issuer and id, with buckets by the minute in which they expire. */
export class IdBook {
  readonly #table = new IdTable();
  /** Rows by minute. One that was forgotten, or is kept for longer, may still be named by an earlier minute. */
  readonly #buckets = new Map<number, number[]>();
  /** No bucket is earlier. */
  #firstBucket = Infinity;

  get size(): number {
    return this.#table.size;
  }

  remember(key: string, id: KnownId): void {
    this.#addToBucket(this.#table.put(key, id), id.expiresAtMs);
  }

  /** The first decision of an id; undefined when it was forgotten by `nowMs`, whether or not a sweep came by. */
  firstOf(key: string, nowMs: number): KnownId | undefined {
    const row = this.#table.find(key);
    if (row < 0) return undefined;
    const open = this.#table.isOpen(row);
    const expiresAtMs = this.#table.expiryOf(row);
    if (!open && isOver(bucketOf(expiresAtMs), nowMs)) return undefined;
    return { index: this.#table.indexOf(row), digest: this.#table.digestOf(row), expiresAtMs, open };
  }

  /** How many ids the next sweep would forget. */
  forgettable(nowMs: number): number {
    const rows = new Set<number>();
    for (const [bucket, of] of this.#buckets) {
      if (isOver(bucket, nowMs)) for (const row of of) if (this.#isForgettable(row, bucket)) rows.add(row);
    }
    return rows.size;
  }

  /** Forgets ids whose proposals can no longer be decided at `nowMs`; returns how many. Safe: a late copy is DENY_EXPIRED. */
  forgetExpired(nowMs: number): number {
    if (!isOver(this.#firstBucket, nowMs)) return 0;
    const before = this.#table.size;
    this.#firstBucket = Infinity;
    for (const [bucket, rows] of this.#buckets) {
      if (!isOver(bucket, nowMs)) {
        this.#firstBucket = Math.min(this.#firstBucket, bucket);
        continue;
      }
      this.#buckets.delete(bucket);
      for (const row of rows) if (this.#isForgettable(row, bucket)) this.#table.remove(row); // an open one is kept until settled
    }
    return before - this.#table.size;
  }

  /** After settlement the id is kept no longer than its proposal's expiry, or until the next sweep. */
  settle(key: string): void {
    const row = this.#table.find(key);
    if (row < 0) return;
    this.#table.close(row);
    this.#addToBucket(row, this.#table.expiryOf(row));
  }

  /** The first decisions at these leaf indexes stay known, what they were asked does not: every copy is a conflict from now on. */
  forgetDigests(indexes: ReadonlySet<number>): void {
    this.#table.forgetDigests(indexes);
  }

  encode(): Uint8Array {
    return this.#table.encode();
  }

  /** Throws for bytes that `encode` did not write. */
  static decode(bytes: Uint8Array): IdBook {
    const book = new IdBook();
    for (const row of book.#table.decode(bytes)) book.#addToBucket(row, book.#table.expiryOf(row));
    return book;
  }

  #isForgettable(row: number, bucket: number): boolean {
    const table = this.#table;
    return table.isUsed(row) && !table.isOpen(row) && bucketOf(table.expiryOf(row)) === bucket;
  }

  #addToBucket(row: number, expiresAtMs: number): void {
    const bucket = bucketOf(expiresAtMs);
    this.#firstBucket = Math.min(this.#firstBucket, bucket);
    const rows = this.#buckets.get(bucket);
    if (rows) rows.push(row);
    else this.#buckets.set(bucket, [row]);
  }
}

const bucketOf = (expiresAtMs: number): number => Math.floor(expiresAtMs / BUCKET_MS);
const isOver = (bucket: number, nowMs: number): boolean => (bucket + 1) * BUCKET_MS <= nowMs;
