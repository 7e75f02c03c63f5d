import type { Slot } from './entry-table.ts';
import type { IndexStore } from './index-store.ts';

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
  #size = 0;

  constructor(private readonly store: IndexStore) {
    this.load();
  }

  load(): void {
    this.#size = Number(this.store.get('actions') ?? 0);
  }

  save(): void {
    this.store.put('actions', String(this.#size));
  }

  get size(): number {
    return this.#size;
  }

  noteDecision(note: DecisionNote): void {
    const before = this.#decision(note.tenant, note.actionId);
    if (before && (rank(note) < rank(before) || (rank(note) === rank(before) && !note.takesId))) return;
    if (!before) this.#size += 1;
    this.store
      .statement('insert or replace into decisions (tenant, action, slot, byGateway, takesId, askedAtMs) values (?, ?, ?, ?, ?, ?)')
      .run(note.tenant, note.actionId, note.slot, Number(note.byGateway), Number(note.takesId), note.askedAtMs ?? null);
  }

  /** An escalation ended: `settlement` is the entry that says how. */
  noteSettlement(decision: Slot, settlement: Slot): void {
    this.store.statement('insert or replace into settlements (decision, settlement) values (?, ?)').run(decision, settlement);
  }

  find(tenant: string, actionId: string): { decision: Slot; settlement: Slot | undefined } | undefined {
    const note = this.#decision(tenant, actionId);
    return note && { decision: note.slot, settlement: this.settlementOf(note.slot) };
  }

  /** When an action that came through a gateway was first asked for: each further copy says the same. */
  askedAtOf(tenant: string, actionId: string): number | undefined {
    const note = this.#decision(tenant, actionId);
    return note?.byGateway === true && note.takesId ? note.askedAtMs : undefined;
  }

  settlementOf(decision: Slot): Slot | undefined {
    const found = this.store.statement('select settlement from settlements where decision = ?').get(decision);
    return (found as { settlement: Slot } | undefined)?.settlement;
  }

  /** The entry table has dropped the slot. */
  drop(slot: Slot): void {
    this.#size -= Number(this.store.statement('delete from decisions where slot = ?').run(slot).changes);
    this.store.statement('delete from settlements where decision = ? or settlement = ?').run(slot, slot);
  }

  #decision(tenant: string, actionId: string): Omit<DecisionNote, 'tenant' | 'actionId'> | undefined {
    const found = this.store.statement('select slot, byGateway, takesId, askedAtMs from decisions where tenant = ? and action = ?');
    const row = found.get(tenant, actionId) as DecisionRow | undefined;
    return row && { slot: row.slot, byGateway: row.byGateway === 1, takesId: row.takesId === 1, askedAtMs: row.askedAtMs ?? undefined };
  }
}

interface DecisionRow {
  readonly slot: Slot;
  readonly byGateway: number;
  readonly takesId: number;
  readonly askedAtMs: number | null;
}

const rank = ({ byGateway, takesId }: Pick<DecisionNote, 'byGateway' | 'takesId'>): number => (byGateway ? 2 : 0) + (takesId ? 1 : 0);
