/**
 * What cumulative limits of one tenant have counted. Time is cut into slots, a fraction of the limit's window each: what was counted counts for
 * the whole window, and for at most one slot longer. How much it was, and for whom, only the input says. Where an input is erased the whole slot
 * is unknown: then every action goes over the limit until the slot is out of the window, here and in every replay alike.
 */
import { parseTime } from '../formats/time.ts';
import type { Predicate } from '../ledger/entry.ts';
import { countsOf, limitsOn } from '../policy/counts.ts';
import { type Count, LIMIT_WINDOW_SECONDS_MAX } from '../policy/limit.ts';
import { own } from '../policy/pointer.ts';
import type { Held } from './shares.ts';
import type { Bundle, Proposal } from '../policy/types.ts';

/** Slots of one window: an action counts for at most 1/24 longer than the window says. */
export const SLOTS_PER_WINDOW = 24;

/** Totals held on one lane: some 100 bytes each. */
export const TOTALS_PER_LANE_MAX = 500_000;

/** Decisions of one log, by leaf index. */
export interface Range {
  readonly origin: string;
  readonly first: number;
  readonly last: number;
}

interface Slot extends Range {
  readonly fromMs: number;
  /** Out of the window from then on. */
  readonly untilMs: number;
  last: number;
  /** By key; null: unknown. */
  totals: Map<string, number> | null;
}
export interface EncodedSlot extends Omit<Slot, 'totals'> {
  readonly totals: readonly (readonly [string, number])[] | null;
}
export type EncodedLimits = readonly (readonly [limit: string, slots: readonly EncodedSlot[]])[];

/** Decided, and counted towards a limit. */
export interface Counted {
  /** Of the log that its entry is in. */
  readonly origin: string;
  readonly limit: string;
  readonly windowMs: number;
  readonly index: number;
  readonly nowMs: number;
  /** undefined: its input is gone. */
  readonly count: Count | undefined;
}

interface Counts {
  readonly counts?: readonly Count[];
}

/** What only the input says of what an action adds to limits. */
export function countFacts(bundle: Bundle | null, proposal: Proposal, asker: () => string | undefined): Counts {
  return !bundle || limitsOn(bundle.tables, proposal.class).length === 0 ? {} : { counts: countsOf(bundle.tables, proposal, asker()) };
}

/** Called for each decision: what may still happen counts. Returns what it adds, as far as that is known. */
export function countDecision(bundle: Bundle | null, limits: LimitBook, predicate: Predicate, { counts }: Counts): Counts {
  const counted = predicate['counted'] as readonly string[] | undefined;
  if (counted === undefined) return {};
  const [index, nowMs] = [Number(predicate.index), parseTime(predicate.decidedAt)];
  limits.sweep(nowMs);
  for (const limit of counted) {
    const windowSeconds = own(bundle?.tables.limits ?? {}, limit)?.windowSeconds ?? LIMIT_WINDOW_SECONDS_MAX;
    limits.add({
      limit,
      origin: predicate.origin,
      windowMs: windowSeconds * 1000,
      index,
      nowMs,
      count: counts?.find((each) => each.limit === limit),
    });
  }
  return counts ? { counts } : {};
}

export class LimitBook implements Held {
  /** By limit, in the order of time. Ranges of one log do not overlap. */
  readonly #slots = new Map<string, Slot[]>();
  /** Totals held, those out of their window included until the next sweep. */
  #size = 0;

  get size(): number {
    return this.#size;
  }

  spent({ limit, key }: Count, nowMs: number): number | 'unknown' {
    let total = 0;
    for (const slot of this.#slots.get(limit) ?? []) {
      if (nowMs >= slot.untilMs) continue;
      if (slot.totals === null) return 'unknown';
      total += slot.totals.get(key) ?? 0;
    }
    return total;
  }

  add({ count, ...counted }: Counted): void {
    const slot = this.#slotAt(counted);
    slot.last = counted.index;
    if (count?.amount === undefined || count.amount === null) this.#lose(slot);
    else if (slot.totals && count.amount > 0) {
      if (!slot.totals.has(count.key)) this.#size += 1;
      slot.totals.set(count.key, (slot.totals.get(count.key) ?? 0) + count.amount);
    }
  }

  /** What was asked at `index` will not happen. */
  release({ limit, key, amount }: Count, origin: string, index: number): void {
    const slot = this.#slots.get(limit)?.find((each) => isIn(each, origin, index));
    const left = (slot?.totals?.get(key) ?? 0) - (amount ?? 0);
    if (!slot?.totals?.has(key)) return;
    if (left > 0) slot.totals.set(key, left);
    else if (slot.totals.delete(key)) this.#size -= 1;
  }

  /** The inputs of these decisions are erased. */
  forget(origin: string, indexes: readonly number[]): void {
    for (const slot of [...this.#slots.values()].flat()) {
      if (indexes.some((index) => isIn(slot, origin, index))) this.#lose(slot);
    }
  }

  /** Decisions that made it unknown are among these. */
  unknownOf(limit: string, nowMs: number): readonly Range[] {
    return (this.#slots.get(limit) ?? []).filter(({ totals, untilMs }) => totals === null && nowMs < untilMs);
  }

  /** Totals that are in their window. */
  liveSize(nowMs: number): number {
    let size = 0;
    for (const slots of this.#slots.values()) for (const { totals, untilMs } of slots) if (nowMs < untilMs) size += totals?.size ?? 0;
    return size;
  }

  /** Forgets what is out of its window. */
  sweep(nowMs: number): void {
    for (const [limit, slots] of this.#slots) {
      const kept = slots.filter(({ untilMs }) => nowMs < untilMs);
      if (kept.length === slots.length) continue;
      for (const slot of slots) if (!kept.includes(slot)) this.#size -= slot.totals?.size ?? 0;
      if (kept.length > 0) this.#slots.set(limit, kept);
      else this.#slots.delete(limit);
    }
  }

  encode(): EncodedLimits {
    return [...this.#slots].map(([limit, slots]) => [limit, slots.map((slot) => ({ ...slot, totals: slot.totals && [...slot.totals] }))]);
  }

  static decode(encoded: EncodedLimits): LimitBook {
    const book = new LimitBook();
    for (const [limit, slots] of encoded) {
      const decoded = slots.map((slot) => ({ ...slot, totals: slot.totals && new Map(slot.totals) }));
      for (const { totals } of decoded) book.#size += totals?.size ?? 0;
      book.#slots.set(limit, decoded);
    }
    return book;
  }

  #slotAt({ limit, origin, windowMs, index, nowMs }: Omit<Counted, 'count'>): Slot {
    const slots = this.#slots.get(limit) ?? [];
    const lengthMs = Math.ceil(windowMs / SLOTS_PER_WINDOW);
    const fromMs = Math.floor(nowMs / lengthMs) * lengthMs;
    const untilMs = fromMs + lengthMs + windowMs;
    const last = slots.at(-1);
    if (last?.origin === origin && last.fromMs === fromMs && last.untilMs === untilMs) return last;
    const slot: Slot = { origin, fromMs, untilMs, first: index, last: index, totals: new Map() };
    this.#slots.set(limit, [...slots, slot]);
    return slot;
  }

  #lose(slot: Slot): void {
    this.#size -= slot.totals?.size ?? 0;
    slot.totals = null;
  }
}

const isIn = (slot: Range, origin: string, index: number): boolean => slot.origin === origin && slot.first <= index && index <= slot.last;
