/** At most this many ids are remembered on one lane: about 200 MB. Beyond, and beyond a tenant's fair share: DENY_LIMIT. */
export const IDS_PER_LANE_MAX = 1_000_000;

export interface KnownId {
  /** Leaf index of the first decision. */
  readonly index: number;
  /** First 16 bytes of the request digest; null when the first payload was erased. */
  readonly digest: Uint8Array | null;
  readonly expiresAtMs: number;
  /** An open escalation keeps its id beyond the proposal's expiry. */
  open: boolean;
}

/** Ids of one tenant, by issuer and id, with buckets by the minute in which they expire. */
export interface IdBook {
  readonly known: Map<string, KnownId>;
  readonly buckets: Map<number, string[]>;
}

const BUCKET_MS = 60_000;

export const emptyIds = (): IdBook => ({ known: new Map(), buckets: new Map() });
export const idKey = (issuer: string, id: string): string => `${issuer}\0${id}`;

export function remember(book: IdBook, key: string, id: KnownId): void {
  book.known.set(key, id);
  addToBucket(book, key, id.expiresAtMs);
}

/** The first decision of an id; undefined when it was forgotten by `nowMs`, whether or not a sweep came by. */
export function firstOf(book: IdBook, key: string, nowMs: number): KnownId | undefined {
  const id = book.known.get(key);
  return id && (id.open || !isOver(bucketOf(id.expiresAtMs), nowMs)) ? id : undefined;
}

/** How many ids the next sweep would forget. */
export function forgettable(book: IdBook, nowMs: number): number {
  const keys = new Set<string>();
  for (const [bucket, of] of book.buckets) {
    if (isOver(bucket, nowMs)) for (const key of of) if (book.known.get(key)?.open === false) keys.add(key);
  }
  return keys.size;
}

/** Forgets ids whose proposals can no longer be decided at `nowMs`; returns how many. Safe: a late copy is DENY_EXPIRED. */
export function forgetExpired(book: IdBook, nowMs: number): number {
  let forgotten = 0;
  for (const [bucket, keys] of book.buckets) {
    if (!isOver(bucket, nowMs)) continue;
    book.buckets.delete(bucket);
    for (const key of keys) {
      if (book.known.get(key)?.open === true) continue; // kept until settled, see settle
      if (book.known.delete(key)) forgotten += 1;
    }
  }
  return forgotten;
}

/** After settlement the id is kept no longer than its proposal's expiry, or until the next sweep. */
export function settleId(book: IdBook, key: string): void {
  const id = book.known.get(key);
  if (!id) return;
  id.open = false;
  addToBucket(book, key, id.expiresAtMs);
}

const bucketOf = (expiresAtMs: number): number => Math.floor(expiresAtMs / BUCKET_MS);
const isOver = (bucket: number, nowMs: number): boolean => (bucket + 1) * BUCKET_MS <= nowMs;

function addToBucket(book: IdBook, key: string, expiresAtMs: number): void {
  const bucket = bucketOf(expiresAtMs);
  const keys = book.buckets.get(bucket);
  if (keys) keys.push(key);
  else book.buckets.set(bucket, [key]);
}
