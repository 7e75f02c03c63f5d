/**
 * Known ids in typed arrays, some 90 bytes each by computation, where objects in a Map take several times that: a lane remembers
 * millions. An id is known by the first 16 bytes of its SHA-256; two that share them would need 2⁶⁴ tries, and the second would be refused as a
 * repetition.
 */
import { sha256 } from '#crypto';

export const ID_DIGEST_BYTES = 16;
/** As `encode` writes one: key, digest, leaf index and expiry as doubles, flags, permit, owner. */
export const ID_ROW_BYTES = 69;
const PERMIT_AT = 49;
const OWNER_AT = 65;
const WORDS = 4;
/** An index and a row are one number while there are fewer rows than this: eight million. */
const ROWS_NUMBERED = 2 ** 23;
const ROWS_MIN = 64;

/** Four bytes at a time are copied as they are. */
const IS_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

const USED = 1;
const OPEN = 2;
const HAS_DIGEST = 4;
const CLAIMED = 8;
const HAS_PERMIT = 16;
const FLAGS_END = 32;

type Words = readonly [number, number, number, number];
interface NewRow {
  readonly index: number;
  readonly digest: Uint8Array | null;
  readonly expiresAtMs: number;
  readonly open: boolean;
  /** Number of whom it is counted for. */
  readonly owner?: number;
}

export class IdTable {
  /** Ids held. */
  size = 0;
  /** Rows ever used; those below that are free again are in #free. */
  #rows = 0;
  readonly #free: number[] = [];
  #keys = new Uint32Array(ROWS_MIN * WORDS);
  #digests = new Uint8Array(ROWS_MIN * ID_DIGEST_BYTES);
  #indexes = new Float64Array(ROWS_MIN);
  #expiries = new Float64Array(ROWS_MIN);
  #flags = new Uint8Array(ROWS_MIN);
  #permits = new Uint8Array(ROWS_MIN * ID_DIGEST_BYTES);
  #owners = new Uint32Array(ROWS_MIN);
  /** Open addressing with linear probing, at most half full: row + 1, or 0. */
  #slots = new Int32Array(ROWS_MIN * 2);

  /** −1 when it is not held. */
  find(key: string): number {
    const words = wordsOf(key);
    return (this.#slots[this.#slotOf(words)] ?? 0) - 1;
  }

  /** Row of the new id, or of the one that it replaces. */
  put(key: string, id: NewRow): number {
    return this.#put(wordsOf(key), id);
  }

  indexOf = (row: number): number => this.#indexes[row] ?? 0;
  expiryOf = (row: number): number => this.#expiries[row] ?? 0;
  isUsed = (row: number): boolean => this.#has(row, USED);
  ownerOf = (row: number): number => this.#owners[row] ?? 0;
  isOpen = (row: number): boolean => this.#has(row, OPEN);
  isClaimed = (row: number): boolean => this.#has(row, CLAIMED);
  setExpiry(row: number, expiresAtMs: number): void {
    this.#expiries[row] = expiresAtMs;
  }
  setClaimed(row: number): void {
    this.#flags[row] = (this.#flags[row] ?? 0) | CLAIMED;
  }
  /** First ID_DIGEST_BYTES of what is remembered of the permit. */
  setPermit(row: number, permit: Uint8Array): void {
    this.#permits.set(permit.subarray(0, ID_DIGEST_BYTES), row * ID_DIGEST_BYTES);
    this.#flags[row] = (this.#flags[row] ?? 0) | HAS_PERMIT;
  }
  /** A copy; null when there is none. */
  permitOf(row: number): Uint8Array | null {
    return this.#has(row, HAS_PERMIT) ? this.#permits.slice(row * ID_DIGEST_BYTES, (row + 1) * ID_DIGEST_BYTES) : null;
  }
  close(row: number): void {
    this.#flags[row] = (this.#flags[row] ?? 0) & ~OPEN;
  }
  /** A copy; null when there is none. */
  digestOf(row: number): Uint8Array | null {
    return this.#has(row, HAS_DIGEST) ? this.#digests.slice(row * ID_DIGEST_BYTES, (row + 1) * ID_DIGEST_BYTES) : null;
  }

  /** Of the ids decided at these leaf indexes. Looks at every row: 30 ms for a million. */
  forgetDigests(indexes: ReadonlySet<number>, isMeant: (owner: number) => boolean = () => true): void {
    for (let row = 0; row < this.#rows; row++) {
      if (!this.#has(row, HAS_DIGEST) || !indexes.has(this.indexOf(row)) || !isMeant(this.ownerOf(row))) continue;
      this.#flags[row] = (this.#flags[row] ?? 0) & ~HAS_DIGEST;
      this.#digests.fill(0, row * ID_DIGEST_BYTES, (row + 1) * ID_DIGEST_BYTES);
    }
  }

  remove(row: number): void {
    const mask = this.#slots.length - 1;
    let hole = this.#slotOf(this.#wordsAt(row));
    // What was pushed on by the one that goes moves back, so that a search may end at the first empty slot.
    for (let next = (hole + 1) & mask; this.#slots[next] !== 0; next = (next + 1) & mask) {
      const home = (this.#keys[((this.#slots[next] ?? 0) - 1) * WORDS] ?? 0) & mask;
      if (((next - home) & mask) < ((next - hole) & mask)) continue;
      this.#slots[hole] = this.#slots[next] ?? 0;
      hole = next;
    }
    this.#slots[hole] = 0;
    this.#flags[row] = 0;
    this.#free.push(row);
    this.size -= 1;
  }

  /**
   * ID_ROW_BYTES for each id held, in the order of their leaf indexes, whatever was forgotten in between. Without an object or a call for each
   * row, of which there may be a million: nothing is decided meanwhile.
   */
  encode(): Uint8Array {
    const [keys, indexes, expiries, flags, owners] = [this.#keys, this.#indexes, this.#expiries, this.#flags, this.#owners];
    const [digests, permits] = [this.#digests, this.#permits].map((bytes) => new Uint32Array(bytes.buffer)) as [Uint32Array, Uint32Array];
    const out = new Uint8Array(this.size * ID_ROW_BYTES);
    const view = new DataView(out.buffer);
    let at = 0;
    for (const row of this.#inOrder()) {
      for (let of = 0; of < WORDS; of++) view.setUint32(at + of * 4, keys[row * WORDS + of] ?? 0);
      for (let of = 0; of < WORDS; of++) view.setUint32(at + 16 + of * 4, digests[row * WORDS + of] ?? 0, IS_LITTLE_ENDIAN);
      view.setFloat64(at + 32, indexes[row] ?? 0);
      view.setFloat64(at + 40, expiries[row] ?? 0);
      out[at + 48] = flags[row] ?? 0;
      for (let of = 0; of < WORDS; of++) view.setUint32(at + PERMIT_AT + of * 4, permits[row * WORDS + of] ?? 0, IS_LITTLE_ENDIAN);
      view.setUint32(at + OWNER_AT, owners[row] ?? 0);
      at += ID_ROW_BYTES;
    }
    return out;
  }

  /** Adds what `encode` wrote; returns the rows. Throws for any other bytes. */
  decode(bytes: Uint8Array): number[] {
    if (bytes.length % ID_ROW_BYTES !== 0) throw new Error('ids: not whole rows');
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const rows: number[] = [];
    for (let at = 0; at < bytes.length; at += ID_ROW_BYTES) {
      const words: Words = [view.getUint32(at), view.getUint32(at + 4), view.getUint32(at + 8), view.getUint32(at + 12)];
      const [index, expiresAtMs, flags] = [view.getFloat64(at + 32), view.getFloat64(at + 40), bytes[at + 48] ?? 0];
      const isOne = Number.isSafeInteger(index) && Number.isSafeInteger(expiresAtMs) && (flags & USED) !== 0 && flags < FLAGS_END;
      if (!isOne || this.#slots[this.#slotOf(words)] !== 0) throw new Error('ids: not a row, or one twice');
      const digest = (flags & HAS_DIGEST) !== 0 ? bytes.subarray(at + 16, at + 32) : null;
      const row = this.#put(words, { index, digest, expiresAtMs, open: (flags & OPEN) !== 0, owner: view.getUint32(at + OWNER_AT) });
      if ((flags & CLAIMED) !== 0) this.setClaimed(row);
      if ((flags & HAS_PERMIT) !== 0) this.setPermit(row, bytes.subarray(at + PERMIT_AT, at + OWNER_AT));
      rows.push(row);
    }
    return rows;
  }

  /** Rows by leaf index; those of two trees that share one by their keys. Numbers sort ten times as fast as with a comparison of ours. */
  #inOrder(): Uint32Array {
    const rows = new Uint32Array(this.size);
    const numbers = new Float64Array(this.size);
    let held = 0;
    for (let row = 0; row < this.#rows; row++) {
      if (!this.isUsed(row)) continue;
      rows[held] = row;
      numbers[held++] = this.indexOf(row) * ROWS_NUMBERED + row;
    }
    if (this.#rows > ROWS_NUMBERED || numbers.some((number) => number > Number.MAX_SAFE_INTEGER))
      return rows.sort((a, b) => this.#compare(a, b));
    numbers.sort();
    for (let from = 0, to = 0; from < held; from = to) {
      const index = Math.floor((numbers[from] ?? 0) / ROWS_NUMBERED);
      for (; to < held && Math.floor((numbers[to] ?? 0) / ROWS_NUMBERED) === index; to++) rows[to] = (numbers[to] ?? 0) % ROWS_NUMBERED;
      if (to - from > 1) rows.subarray(from, to).sort((a, b) => this.#compare(a, b));
    }
    return rows;
  }

  #compare(a: number, b: number): number {
    const byIndex = (this.#indexes[a] ?? 0) - (this.#indexes[b] ?? 0);
    if (byIndex !== 0) return byIndex;
    for (let of = 0; of < WORDS; of++) {
      const byWord = (this.#keys[a * WORDS + of] ?? 0) - (this.#keys[b * WORDS + of] ?? 0);
      if (byWord !== 0) return byWord;
    }
    return 0;
  }

  #put(words: Words, { index, digest, expiresAtMs, open, owner = 0 }: NewRow): number {
    const slot = this.#slotOf(words);
    const held = (this.#slots[slot] ?? 0) - 1;
    const row = held >= 0 ? held : this.#newRow(words, slot);
    this.#indexes[row] = index;
    this.#expiries[row] = expiresAtMs;
    this.#flags[row] = USED | (open ? OPEN : 0) | (digest ? HAS_DIGEST : 0);
    this.#digests.fill(0, row * ID_DIGEST_BYTES, (row + 1) * ID_DIGEST_BYTES);
    if (digest) this.#digests.set(digest.subarray(0, ID_DIGEST_BYTES), row * ID_DIGEST_BYTES);
    this.#permits.fill(0, row * ID_DIGEST_BYTES, (row + 1) * ID_DIGEST_BYTES);
    this.#owners[row] = owner;
    return row;
  }

  #newRow(words: Words, slot: number): number {
    const row = this.#free.pop() ?? this.#rows++;
    if (row >= this.#flags.length) this.#growRows();
    this.#keys.set(words, row * WORDS);
    this.#flags[row] = USED;
    this.#slots[slot] = row + 1;
    this.size += 1;
    if (this.size * 2 > this.#slots.length) this.#growSlots();
    return row;
  }

  /** Where these words are, or the empty slot where they belong. */
  #slotOf(words: Words): number {
    const mask = this.#slots.length - 1;
    let slot = words[0] & mask;
    for (let row = this.#slots[slot] ?? 0; row !== 0; row = this.#slots[slot] ?? 0) {
      if (this.#isAt(row - 1, words)) return slot;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #isAt(row: number, words: Words): boolean {
    const at = row * WORDS;
    for (let of = 0; of < WORDS; of++) if (this.#keys[at + of] !== words[of]) return false;
    return true;
  }

  #wordsAt(row: number): Words {
    const [keys, at] = [this.#keys, row * WORDS];
    return [keys[at] ?? 0, keys[at + 1] ?? 0, keys[at + 2] ?? 0, keys[at + 3] ?? 0];
  }

  #has = (row: number, flag: number): boolean => ((this.#flags[row] ?? 0) & flag) !== 0;

  #growRows(): void {
    const rows = this.#flags.length * 2;
    this.#keys = grown(this.#keys, new Uint32Array(rows * WORDS));
    this.#digests = grown(this.#digests, new Uint8Array(rows * ID_DIGEST_BYTES));
    this.#indexes = grown(this.#indexes, new Float64Array(rows));
    this.#expiries = grown(this.#expiries, new Float64Array(rows));
    this.#flags = grown(this.#flags, new Uint8Array(rows));
    this.#permits = grown(this.#permits, new Uint8Array(rows * ID_DIGEST_BYTES));
    this.#owners = grown(this.#owners, new Uint32Array(rows));
  }

  #growSlots(): void {
    this.#slots = new Int32Array(this.#slots.length * 2);
    for (let row = 0; row < this.#rows; row++) {
      if (this.isUsed(row)) this.#slots[this.#slotOf(this.#wordsAt(row))] = row + 1;
    }
  }
}

function grown<T extends Uint32Array | Uint8Array | Float64Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}

function wordsOf(key: string): Words {
  const digest = sha256(key);
  const view = new DataView(digest.buffer, digest.byteOffset, digest.length);
  return [view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12)];
}
