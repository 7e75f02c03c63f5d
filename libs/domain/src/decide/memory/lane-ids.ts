import { IdTable } from '../id-table.ts';
import { type Asker, Counts, type Taken } from './counts.ts';

/** At most this many ids are known on one lane: some 90 bytes each. docs/memory.md computes what that carries. */
export const LANE_IDS_MAX = 6_000_000;

/** Whose id. */
export interface IdName extends Asker {
  readonly id: string;
}
export interface RememberedId {
  /** Leaf index of the first answer. */
  readonly index: number;
  /** Origin of the log that holds it, when that was closed since; undefined: the tenant's log that goes on. */
  readonly log: string | undefined;
  /** First 16 bytes of the request digest; null when there is none, and when the input was erased. */
  readonly digest: Uint8Array | null;
  /** First 16 bytes of the leaf hash of the entry that permits; null: nothing is permitted. */
  readonly permit: Uint8Array | null;
  readonly untilMs: number;
  /** People are still asked. */
  readonly open: boolean;
  /** Its permit was claimed. */
  readonly claimed: boolean;
}

/** How an entry cites the first answer: by its index, and by its log where that was closed since. */
export const citing = ({ index, log }: Pick<RememberedId, 'index' | 'log'>): { readonly first: string; readonly firstLog?: string } => ({
  first: String(index),
  ...(log === undefined ? {} : { firstLog: log }),
});

/** So that each sweep is short: a second's worth of ids is a few thousand. */
const BUCKET_MS = 1000;
const bucketOf = (untilMs: number): number => Math.floor(untilMs / BUCKET_MS);
const isOver = (bucket: number, nowMs: number): boolean => (bucket + 1) * BUCKET_MS <= nowMs;
/** Whose ids, and in which log they were answered. */
interface Owner extends Asker {
  /** Its origin, once it was closed. */
  log: string | undefined;
}
export type EncodedOwner = readonly [tenant: string, issuer: string, log: string | null];

const ownerKey = ({ tenant, issuer }: Asker): string => `${tenant}\0${issuer}`;
const keyOf = ({ tenant, issuer, id }: IdName): string => `${tenant}\0${issuer}\0${id}`;

/**
 * Ids that one lane knows, of all its tenants, each until nothing signed under it can count any more. One table, so that what is over makes room
 * at once, whoever it was of.
 */
export class LaneIds {
  readonly counts = new Counts();
  readonly #table = new IdTable();
  /** Rows by when they are over. One that is kept for longer may still be named by an earlier bucket. */
  readonly #buckets = new Map<number, number[]>();
  #firstBucket = Infinity;
  readonly #owners: Owner[] = [];
  readonly #ownerOf = new Map<string, number>();

  get size(): number {
    return this.#table.size;
  }

  /** What is known under this id at `nowMs`, swept or not. */
  find(name: IdName, nowMs: number): RememberedId | undefined {
    const row = this.#table.find(keyOf(name));
    if (row < 0) return undefined;
    const open = this.#table.isOpen(row);
    const untilMs = this.#table.expiryOf(row);
    if (!open && nowMs >= untilMs) return undefined;
    const [permit, digest] = [this.#table.permitOf(row), this.#table.digestOf(row)];
    const { log } = this.#ownerAt(row);
    return { index: this.#table.indexOf(row), log, digest, permit, untilMs, open, claimed: this.#table.isClaimed(row) };
  }

  /** In the place of one that is over. */
  remember(
    name: IdName,
    id: { readonly index: number; readonly digest: Uint8Array | null; readonly untilMs: number; readonly open: boolean },
  ): void {
    const key = keyOf(name);
    if (this.#table.find(key) < 0) this.counts.add(name.tenant, name.issuer, 1);
    const { index, digest, untilMs: expiresAtMs, open } = id;
    this.#addToBucket(this.#table.put(key, { index, digest, expiresAtMs, open, owner: this.#owner(name) }), expiresAtMs);
  }

  /** A copy that may count for longer was seen. */
  prolong(name: IdName, untilMs: number): void {
    const row = this.#table.find(keyOf(name));
    if (row < 0 || this.#table.expiryOf(row) >= untilMs) return;
    this.#table.setExpiry(row, untilMs);
    this.#addToBucket(row, untilMs);
  }

  /** The entry with this leaf hash permits it, until `untilMs`. */
  permit(name: IdName, leaf: Uint8Array, untilMs: number): void {
    const row = this.#table.find(keyOf(name));
    if (row < 0) return;
    this.#table.setPermit(row, leaf);
    this.prolong(name, untilMs);
  }

  claim(name: IdName): void {
    const row = this.#table.find(keyOf(name));
    if (row >= 0) this.#table.setClaimed(row);
  }

  /** People are no longer asked. */
  settle(name: IdName): void {
    const row = this.#table.find(keyOf(name));
    if (row < 0) return;
    this.#table.close(row);
    this.#addToBucket(row, this.#table.expiryOf(row));
  }

  /** Forgets what is over at `nowMs`. */
  sweep(nowMs: number): void {
    if (!isOver(this.#firstBucket, nowMs)) return;
    this.#firstBucket = Infinity;
    for (const [bucket, rows] of this.#buckets) {
      if (!isOver(bucket, nowMs)) {
        this.#firstBucket = Math.min(this.#firstBucket, bucket);
        continue;
      }
      this.#buckets.delete(bucket);
      for (const row of rows) if (this.#isForgettable(row, bucket)) this.#remove(row);
    }
  }

  /** What is taken at `nowMs`: without what the next sweep forgets. */
  takenAt(nowMs: number): Taken {
    if (!isOver(this.#firstBucket, nowMs)) return this.counts;
    const over = new Counts();
    const seen = new Set<number>();
    for (const [bucket, rows] of this.#buckets) {
      if (!isOver(bucket, nowMs)) continue;
      for (const row of rows) {
        if (!this.#isForgettable(row, bucket) || seen.has(row)) continue;
        seen.add(row);
        const { tenant, issuer } = this.#askerOf(row);
        over.add(tenant, issuer, 1);
      }
    }
    const { counts } = this;
    return {
      total: counts.total - over.total,
      ofTenant: (tenant) => counts.ofTenant(tenant) - over.ofTenant(tenant),
      ofIssuer: (tenant, issuer) => counts.ofIssuer(tenant, issuer) - over.ofIssuer(tenant, issuer),
    };
  }

  /** The first decisions at these leaf indexes of a tenant's log stay known, what they were asked does not: every copy is a conflict from now on. */
  forgetDigests(tenant: string, indexes: ReadonlySet<number>, log?: string): void {
    this.#table.forgetDigests(indexes, (owner) => this.#owners[owner]?.tenant === tenant && this.#owners[owner].log === log);
  }

  /** The tenant's log takes nothing more: what is known was answered there, and the next log counts from 0. */
  closeLog(tenant: string, origin: string): void {
    for (const owner of this.#owners) {
      if (owner.tenant !== tenant || owner.log !== undefined) continue;
      owner.log = origin;
      this.#ownerOf.delete(ownerKey(owner));
    }
  }

  /** Owners by number, and ID_ROW_BYTES for each id. */
  encode(): { readonly owners: readonly EncodedOwner[]; readonly rows: Uint8Array } {
    return { owners: this.#owners.map(({ tenant, issuer, log }) => [tenant, issuer, log ?? null]), rows: this.#table.encode() };
  }

  /** Throws for what `encode` did not write. */
  static decode({ owners, rows }: ReturnType<LaneIds['encode']>): LaneIds {
    const ids = new LaneIds();
    for (const [tenant, issuer, log] of owners) {
      if (log === null) ids.#owner({ tenant, issuer });
      else ids.#owners.push({ tenant, issuer, log });
    }
    for (const row of ids.#table.decode(rows)) {
      const { tenant, issuer } = ids.#askerOf(row);
      ids.counts.add(tenant, issuer, 1);
      ids.#addToBucket(row, ids.#table.expiryOf(row));
    }
    return ids;
  }

  #owner({ tenant, issuer }: Asker): number {
    const key = ownerKey({ tenant, issuer });
    const known = this.#ownerOf.get(key);
    if (known !== undefined) return known;
    this.#owners.push({ tenant, issuer, log: undefined });
    this.#ownerOf.set(key, this.#owners.length - 1);
    return this.#owners.length - 1;
  }

  #askerOf(row: number): Asker {
    return this.#ownerAt(row);
  }

  #ownerAt(row: number): Owner {
    const owner = this.#owners[this.#table.ownerOf(row)];
    if (!owner) throw new Error('ids: a row without an owner');
    return owner;
  }

  #remove(row: number): void {
    const { tenant, issuer } = this.#askerOf(row);
    this.counts.add(tenant, issuer, -1);
    this.#table.remove(row);
  }

  #isForgettable(row: number, bucket: number): boolean {
    const table = this.#table;
    return table.isUsed(row) && !table.isOpen(row) && bucketOf(table.expiryOf(row)) === bucket;
  }

  #addToBucket(row: number, untilMs: number): void {
    const bucket = bucketOf(untilMs);
    this.#firstBucket = Math.min(this.#firstBucket, bucket);
    const rows = this.#buckets.get(bucket);
    if (rows) rows.push(row);
    else this.#buckets.set(bucket, [row]);
  }
}
