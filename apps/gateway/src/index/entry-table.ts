import type { InputTopic } from '#domain';

import { Deque } from './deque.ts';

/** Entries remembered: about 100 bytes each, in columns and by digest, and an action's id. The oldest are dropped; their receipts stay on Kafka. */
export const ENTRIES_MAX = 500_000;

/** Names one remembered entry; grows by one with each, so an old name never means another entry. */
export type Slot = number;

export interface SourceAt {
  readonly topic: InputTopic;
  readonly partition: number;
  readonly epoch: number;
  readonly offset: number;
}
export interface NewEntry {
  readonly tenant: string;
  readonly leafIndex: number;
  /** undefined for what time alone brought about. */
  readonly source: SourceAt | undefined;
  /** Hex SHA-256 of the payload that it was made from; undefined when it was made from none, or from bytes refused without trust. */
  readonly digest?: string | undefined;
  /** Of bytes refused without trust: the tenant that they name, '' for none. undefined: not refused so, or the ledger does not say. */
  readonly sender?: string | undefined;
}
export interface FoundEntry extends Omit<NewEntry, 'digest'> {
  /** Which of its tenant's logs it is in: 0 for the first, one more after each that was closed. */
  readonly generation: number;
  /** Offset on `receipts`, on the tenant's lane; undefined until the notary has attested the entry. */
  readonly receiptOffset: number | undefined;
}

/** Finds entries by (tenant, index), by the payload they were made from, and by the place of its record. In columns, because there are many. */
export class EntryTable {
  readonly #entriesMax: number;
  #columns: Columns;
  #next: Slot = 0;
  #oldest: Slot = 0;
  readonly #trees: Tree[] = [];
  /** By tenant: its trees, the one that goes on last. */
  readonly #treeNumbers = new Map<string, number[]>();
  readonly #sources: SourceList[] = [];
  /** `topic/partition`, then one list per epoch, the newest last. */
  readonly #sourceNumbers = new Map<string, number[]>();
  /** The first bits of a digest → the newest slot with it; the column `before` leads to the older ones. */
  readonly #newestOf = new Map<number, Slot>();
  /** Of refusals alone. */
  readonly #senders = new Map<Slot, string>();

  constructor(entriesMax = ENTRIES_MAX) {
    this.#entriesMax = entriesMax;
    this.#columns = columns(Math.min(entriesMax, FIRST_CAPACITY));
  }

  /** The name that the next entry gets: what was added since has none below it. */
  get nextSlot(): Slot {
    return this.#next;
  }

  get size(): number {
    return this.#next - this.#oldest;
  }

  /** Entries come in the order of their lane, so each tree's indexes and each source's offsets only grow. Returns what was dropped. */
  add({ tenant, leafIndex, source, digest, sender }: NewEntry): { slot: Slot; dropped: Slot | undefined } {
    const dropped = this.size === this.#entriesMax ? this.#dropOldest() : undefined;
    if (this.#next === this.#columns.capacity && this.#next < this.#entriesMax) this.#grow();
    const slot = this.#next++;
    const at = slot % this.#columns.capacity;
    const treeNumber = this.#treeNumber(tenant);
    const sourceNumber = source === undefined ? NONE : this.#sourceNumber(source);
    this.#columns.tree[at] = treeNumber;
    this.#columns.leafIndex[at] = leafIndex;
    this.#columns.receiptOffset[at] = NONE;
    this.#columns.source[at] = sourceNumber;
    this.#columns.sourceOffset[at] = source?.offset ?? NONE;
    const bits = digest === undefined ? NONE : bitsOf(digest);
    this.#columns.digest[at] = bits;
    this.#columns.before[at] = this.#newestOf.get(bits) ?? NONE;
    if (digest !== undefined) this.#newestOf.set(bits, slot);
    if (sender !== undefined) this.#senders.set(slot, sender);
    const tree = this.#trees[treeNumber];
    tree?.slots.push(slot);
    if (tree) tree.size = leafIndex + 1;
    this.#sources[sourceNumber]?.slots.push(slot);
    return { slot, dropped };
  }

  /** Leaves of the tenant's tree that were folded, dropped ones included: of the one that goes on, or of an earlier one. */
  treeSize(tenant: string, generation?: number): number {
    const numbers = this.#treeNumbers.get(tenant) ?? [];
    return this.#trees[numbers.at(generation ?? -1) ?? NONE]?.size ?? 0;
  }

  /** The tenant's tree takes nothing more: its next entry is index 0 of another one. */
  close(tenant: string): void {
    const numbers = this.#treeNumbers.get(tenant) ?? [];
    const tree = this.#trees.push({ tenant, generation: numbers.length, size: 0, slots: new Deque() }) - 1;
    this.#treeNumbers.set(tenant, [...numbers, tree]);
  }

  /** How many trees of the tenant were closed. */
  generationOf(tenant: string): number {
    return Math.max(0, (this.#treeNumbers.get(tenant)?.length ?? 1) - 1);
  }

  /** undefined when it is not there yet, or was dropped. Of the tree that goes on, unless an earlier one is named. */
  slotOf(tenant: string, leafIndex: number, generation?: number): Slot | undefined {
    const numbers = this.#treeNumbers.get(tenant) ?? [];
    const tree = this.#trees[numbers.at(generation ?? -1) ?? NONE];
    const first = tree?.slots.at(0);
    if (tree === undefined || first === undefined) return undefined;
    return tree.slots.at(leafIndex - this.#number('leafIndex', first)); // dense, so the distance is the position
  }

  /** Entries whose payload may have this digest, the newest first: compare the whole digest in E. */
  slotsOf(digest: string): Slot[] {
    const found: Slot[] = [];
    let slot = this.#newestOf.get(bitsOf(digest)) ?? NONE;
    for (; slot >= this.#oldest && found.length < SAME_DIGEST_MAX; slot = this.#number('before', slot)) found.push(slot);
    return found;
  }

  /** Every part of what became of one record; of several epochs the newest that has the offset. */
  slotsFrom(topic: string, partition: number, offset: number): Slot[] {
    for (const number of (this.#sourceNumbers.get(`${topic}/${partition}`) ?? []).toReversed()) {
      const slots = this.#sources[number]?.slots;
      if (slots === undefined) continue;
      const found: Slot[] = [];
      for (let at = this.#firstNotBefore(slots, offset); ; at++) {
        const slot = slots.at(at);
        if (slot === undefined || this.#number('sourceOffset', slot) !== offset) break;
        found.push(slot);
      }
      if (found.length > 0) return found;
    }
    return [];
  }

  get(slot: Slot): FoundEntry | undefined {
    if (slot < this.#oldest || slot >= this.#next) return undefined;
    const { tenant = '', generation = 0 } = this.#trees[this.#number('tree', slot)] ?? {};
    const list = this.#sources[this.#number('source', slot)];
    const receiptOffset = this.#number('receiptOffset', slot);
    return {
      tenant,
      generation,
      leafIndex: this.#number('leafIndex', slot),
      source: list && { topic: list.topic, partition: list.partition, epoch: list.epoch, offset: this.#number('sourceOffset', slot) },
      receiptOffset: receiptOffset === NONE ? undefined : receiptOffset,
      sender: this.#senders.get(slot),
    };
  }

  /** The key under which a caller waits for this entry: its payload, or the place of a refused record. undefined: it is waited for by none. */
  waitKeyOf(slot: Slot): string | undefined {
    const bits = this.#number('digest', slot);
    if (bits !== NONE) return payloadKey(bits);
    const { source, sender } = this.get(slot) ?? {};
    return source && sender !== undefined ? placeKey(source) : undefined;
  }

  setReceipt(slot: Slot, receiptOffset: number): void {
    this.#columns.receiptOffset[slot % this.#columns.capacity] = receiptOffset;
  }

  #dropOldest(): Slot {
    const slot = this.#oldest++;
    this.#trees[this.#number('tree', slot)]?.slots.shift(); // the oldest of all is the oldest of its tree and of its source
    this.#sources[this.#number('source', slot)]?.slots.shift();
    const bits = this.#number('digest', slot);
    if (this.#newestOf.get(bits) === slot) this.#newestOf.delete(bits);
    this.#senders.delete(slot);
    return slot;
  }

  #firstNotBefore(slots: Deque, offset: number): number {
    let from = 0;
    let to = slots.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.#number('sourceOffset', slots.at(middle) ?? 0) < offset) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  #number(column: Exclude<keyof Columns, 'capacity'>, slot: Slot): number {
    return this.#columns[column][slot % this.#columns.capacity] ?? NONE;
  }

  #treeNumber(tenant: string): number {
    if (!this.#treeNumbers.has(tenant)) this.close(tenant);
    return this.#treeNumbers.get(tenant)?.at(-1) ?? NONE;
  }

  #sourceNumber({ topic, partition, epoch }: SourceAt): number {
    const key = `${topic}/${partition}`;
    const numbers = this.#sourceNumbers.get(key) ?? [];
    const last = numbers.at(-1);
    if (last !== undefined && this.#sources[last]?.epoch === epoch) return last;
    const number = this.#sources.push({ topic, partition, epoch, slots: new Deque() }) - 1;
    this.#sourceNumbers.set(key, [...numbers, number]);
    return number;
  }

  /** Only before the ring has turned for the first time, so every slot keeps its place. */
  #grow(): void {
    const before = this.#columns;
    this.#columns = columns(Math.min(this.#entriesMax, before.capacity * 2));
    for (const column of COLUMN_NAMES) this.#columns[column].set(before[column]);
  }
}

interface Tree {
  readonly tenant: string;
  readonly generation: number;
  size: number;
  readonly slots: Deque;
}
interface SourceList extends Omit<SourceAt, 'offset'> {
  readonly slots: Deque;
}

const NONE = -1;
/** Repetitions of one payload that are looked at: each is read and verified. */
const SAME_DIGEST_MAX = 16;
/** 52 bits: exact in a double. */
const DIGEST_CHARACTERS = 13;
/** Keys to wait for. */
export const digestKey = (digest: string): string => payloadKey(bitsOf(digest));
export const placeKey = ({ topic, partition, offset }: Omit<SourceAt, 'epoch'>): string => `${topic}/${partition}/${offset}`;
const payloadKey = (bits: number): string => `payload/${bits}`;
const bitsOf = (digest: string): number => Number.parseInt(digest.slice(0, DIGEST_CHARACTERS), 16);
const FIRST_CAPACITY = 4096;
const COLUMN_NAMES = ['tree', 'leafIndex', 'receiptOffset', 'source', 'sourceOffset', 'digest', 'before'] as const;

interface Columns {
  readonly capacity: number;
  readonly tree: Int32Array;
  readonly source: Int32Array;
  // Offsets and indexes beyond 2^32 are exact in a double.
  readonly leafIndex: Float64Array;
  readonly receiptOffset: Float64Array;
  readonly sourceOffset: Float64Array;
  readonly digest: Float64Array;
  readonly before: Float64Array;
}

function columns(capacity: number): Columns {
  return {
    capacity,
    tree: new Int32Array(capacity),
    source: new Int32Array(capacity),
    leafIndex: new Float64Array(capacity),
    receiptOffset: new Float64Array(capacity),
    sourceOffset: new Float64Array(capacity),
    digest: new Float64Array(capacity),
    before: new Float64Array(capacity),
  };
}
