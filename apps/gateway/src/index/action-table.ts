import type { Slot } from './entry-table.ts';

/** One decision about an action id. */
export interface DecisionNote {
  readonly tenant: string;
  readonly actionId: string;
  readonly slot: Slot;
  readonly byGateway: boolean;
  /** Its id was taken: a repeat or a conflict that follows leaves it standing. Late and conflicting proposals take none. */
  readonly takesId: boolean;
  /** When it was first asked for, POSIX milliseconds; undefined under rules 1. */
  readonly askedAtMs: number | undefined;
}

/**
 * Finds an action's decision by (tenant, id). Ids are unique per issuer: what came through a gateway goes first, then what took the id,
 * then the newer, because an id is free again only when the older action is over.
 */
export class ActionTable {
  readonly #decisions = new Map<string, DecisionNote>();
  readonly #settlements = new Map<Slot, Slot>();
  /** What to forget when a slot is dropped. */
  readonly #keys = new Map<Slot, string>();
  readonly #settledBy = new Map<Slot, Slot>();

  get size(): number {
    return this.#decisions.size;
  }

  noteDecision(note: DecisionNote): void {
    const key = keyOf(note.tenant, note.actionId);
    const before = this.#decisions.get(key);
    if (before && (rank(note) < rank(before) || (rank(note) === rank(before) && !note.takesId))) return;
    if (before) this.#keys.delete(before.slot);
    this.#decisions.set(key, note);
    this.#keys.set(note.slot, key);
  }

  /** An escalation ended: `settlement` is the entry that says how. */
  noteSettlement(decision: Slot, settlement: Slot): void {
    this.#settlements.set(decision, settlement);
    this.#settledBy.set(settlement, decision);
  }

  find(tenant: string, actionId: string): { decision: Slot; settlement: Slot | undefined } | undefined {
    const note = this.#decisions.get(keyOf(tenant, actionId));
    return note && { decision: note.slot, settlement: this.#settlements.get(note.slot) };
  }

  /** When an action that came through a gateway was first asked for: each further copy says the same. */
  askedAtOf(tenant: string, actionId: string): number | undefined {
    const note = this.#decisions.get(keyOf(tenant, actionId));
    return note?.byGateway === true && note.takesId ? note.askedAtMs : undefined;
  }

  settlementOf(decision: Slot): Slot | undefined {
    return this.#settlements.get(decision);
  }

  /** The entry table has dropped the slot. */
  drop(slot: Slot): void {
    const key = this.#keys.get(slot);
    if (key !== undefined) this.#decisions.delete(key);
    this.#keys.delete(slot);
    this.#settlements.delete(slot);
    const decision = this.#settledBy.get(slot);
    if (decision !== undefined) this.#settlements.delete(decision);
    this.#settledBy.delete(slot);
  }
}

const rank = ({ byGateway, takesId }: DecisionNote): number => (byGateway ? 2 : 0) + (takesId ? 1 : 0);

/** No identifier holds a NUL. */
const keyOf = (tenant: string, actionId: string): string => `${tenant}\0${actionId}`;
