import type { InputTopic } from '#domain';

import { IndexStore } from './index-store.ts';

/** Entries remembered in memory, where the index has no file: about 200 bytes each. The oldest are dropped; their receipts stay on Kafka. */
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

/** Finds entries by (tenant, index), by the payload they were made from, and by the place of its record. */
export class EntryTable {
  readonly #store: IndexStore;
  readonly #entriesMax: number;
  #next: Slot = 0;
  #oldest: Slot = 0;
  #trees: Tree[] = [];
  /** By tenant: its trees, the one that goes on last. */
  readonly #treeNumbers = new Map<string, number[]>();
  #sources: Omit<SourceAt, 'offset'>[] = [];
  /** `topic/partition`, then one number per epoch, the newest last. */
  readonly #sourceNumbers = new Map<string, number[]>();

  /** A file has no maximum. */
  constructor(entriesMax = ENTRIES_MAX, store = new IndexStore()) {
    this.#store = store;
    this.#entriesMax = store.isInMemory ? entriesMax : Infinity;
    this.load();
  }

  /** Goes on from what the store has kept. */
  load(): void {
    const kept = this.#store.get('entries');
    const { next, trees, sources } = kept === undefined ? NOTHING_KEPT : (JSON.parse(kept) as Kept);
    this.#next = next;
    this.#oldest = 0;
    this.#trees = [...trees];
    this.#sources = [...sources];
    this.#treeNumbers.clear();
    this.#sourceNumbers.clear();
    trees.forEach(({ tenant }, number) => this.#treeNumbers.set(tenant, [...(this.#treeNumbers.get(tenant) ?? []), number]));
    sources.forEach((source, number) => {
      const key = sourceKey(source);
      this.#sourceNumbers.set(key, [...(this.#sourceNumbers.get(key) ?? []), number]);
    });
  }

  /** For the next commit. */
  save(): void {
    this.#store.put('entries', JSON.stringify({ next: this.#next, trees: this.#trees, sources: this.#sources } satisfies Kept));
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
    const slot = this.#next++;
    const treeNumber = this.#treeNumber(tenant);
    const bits = digest === undefined ? null : bitsOf(digest);
    this.#store
      .statement('insert into entries (slot, tree, leafIndex, source, sourceOffset, digest, sender) values (?, ?, ?, ?, ?, ?, ?)')
      .run(slot, treeNumber, leafIndex, source ? this.#sourceNumber(source) : null, source?.offset ?? null, bits, sender ?? null);
    const tree = this.#trees[treeNumber];
    if (tree) tree.size = leafIndex + 1;
    return { slot, dropped };
  }

  /** Leaves of the tenant's tree that were folded, dropped ones included: of the one that goes on, or of an earlier one. */
  treeSize(tenant: string, generation?: number): number {
    return this.#trees[this.#treeOf(tenant, generation)]?.size ?? 0;
  }

  /** The tenant's tree takes nothing more: its next entry is index 0 of another one. */
  close(tenant: string): void {
    const numbers = this.#treeNumbers.get(tenant) ?? [];
    const tree = this.#trees.push({ tenant, generation: numbers.length, size: 0 }) - 1;
    this.#treeNumbers.set(tenant, [...numbers, tree]);
  }

  /** How many trees of the tenant were closed. */
  generationOf(tenant: string): number {
    return Math.max(0, (this.#treeNumbers.get(tenant)?.length ?? 1) - 1);
  }

  /** undefined when it is not there yet, or was dropped. Of the tree that goes on, unless an earlier one is named. */
  slotOf(tenant: string, leafIndex: number, generation?: number): Slot | undefined {
    if (!Number.isSafeInteger(leafIndex)) return undefined;
    const found = this.#store.statement('select slot from entries where tree = ? and leafIndex = ?');
    return (found.get(this.#treeOf(tenant, generation), leafIndex) as { slot: Slot } | undefined)?.slot;
  }

  /** Entries whose payload may have this digest, the newest first: compare the whole digest in E. */
  slotsOf(digest: string): Slot[] {
    const found = this.#store.statement(`select slot from entries where digest = ? order by slot desc limit ${SAME_DIGEST_MAX}`);
    return slotsIn(found.all(bitsOf(digest)));
  }

  /** Every part of what became of one record; of several epochs the newest that has the offset. */
  slotsFrom(topic: string, partition: number, offset: number): Slot[] {
    for (const number of (this.#sourceNumbers.get(sourceKey({ topic, partition })) ?? []).toReversed()) {
      const rows = this.#store
        .statement('select slot from entries where source = ? and sourceOffset = ? order by slot')
        .all(number, offset);
      if (rows.length > 0) return slotsIn(rows);
    }
    return [];
  }

  get(slot: Slot): FoundEntry | undefined {
    const row = this.#row(slot);
    if (!row) return undefined;
    const { tenant = '', generation = 0 } = this.#trees[row.tree] ?? {};
    const source = row.source === null ? undefined : this.#sources[row.source];
    return {
      tenant,
      generation,
      leafIndex: row.leafIndex,
      source: source && { ...source, offset: row.sourceOffset ?? 0 },
      receiptOffset: row.receiptOffset ?? undefined,
      sender: row.sender ?? undefined,
    };
  }

  /** The key under which a caller waits for this entry: its payload, or the place of a refused record. undefined: it is waited for by none. */
  waitKeyOf(slot: Slot): string | undefined {
    const row = this.#row(slot);
    if (!row) return undefined;
    if (row.digest !== null) return payloadKey(row.digest);
    const source = row.source === null ? undefined : this.#sources[row.source];
    return source && row.sender !== null ? placeKey({ ...source, offset: row.sourceOffset ?? 0 }) : undefined;
  }

  setReceipt(slot: Slot, receiptOffset: number): void {
    this.#store.statement('update entries set receiptOffset = ? where slot = ?').run(receiptOffset, slot);
  }

  #row(slot: Slot): Row | undefined {
    return this.#store.statement('select * from entries where slot = ?').get(slot) as Row | undefined;
  }

  #dropOldest(): Slot {
    const slot = this.#oldest++;
    this.#store.statement('delete from entries where slot = ?').run(slot);
    return slot;
  }

  #treeOf(tenant: string, generation = -1): number {
    return this.#treeNumbers.get(tenant)?.at(generation) ?? NONE;
  }

  #treeNumber(tenant: string): number {
    if (!this.#treeNumbers.has(tenant)) this.close(tenant);
    return this.#treeOf(tenant);
  }

  #sourceNumber({ topic, partition, epoch }: SourceAt): number {
    const key = sourceKey({ topic, partition });
    const numbers = this.#sourceNumbers.get(key) ?? [];
    const last = numbers.at(-1);
    if (last !== undefined && this.#sources[last]?.epoch === epoch) return last;
    const number = this.#sources.push({ topic, partition, epoch }) - 1;
    this.#sourceNumbers.set(key, [...numbers, number]);
    return number;
  }
}

interface Tree {
  readonly tenant: string;
  readonly generation: number;
  size: number;
}
interface Kept {
  readonly next: Slot;
  readonly trees: readonly Tree[];
  readonly sources: readonly Omit<SourceAt, 'offset'>[];
}
const NOTHING_KEPT: Kept = { next: 0, trees: [], sources: [] };
interface Row {
  readonly tree: number;
  readonly leafIndex: number;
  readonly receiptOffset: number | null;
  readonly source: number | null;
  readonly sourceOffset: number | null;
  readonly digest: number | null;
  readonly sender: string | null;
}

const NONE = -1;
const slotsIn = (rows: readonly object[]): Slot[] => (rows as readonly { readonly slot: Slot }[]).map(({ slot }) => slot);
const sourceKey = ({ topic, partition }: { readonly topic: string; readonly partition: number }): string => `${topic}/${partition}`;
/** Repetitions of one payload that are looked at: each is read and verified. */
const SAME_DIGEST_MAX = 16;
/** 52 bits: exact in a double. */
const DIGEST_CHARACTERS = 13;
/** Keys to wait for. */
export const digestKey = (digest: string): string => payloadKey(bitsOf(digest));
export const placeKey = ({ topic, partition, offset }: Omit<SourceAt, 'epoch'>): string => `${topic}/${partition}/${offset}`;
const payloadKey = (bits: number): string => `payload/${bits}`;
const bitsOf = (digest: string): number => Number.parseInt(digest.slice(0, DIGEST_CHARACTERS), 16);
