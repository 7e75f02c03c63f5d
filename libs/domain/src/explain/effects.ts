/** Effects that were claimed and are not over, as the entries alone say. */
import type { Predicate } from '../ledger/entry.ts';
import type { ToldEntry } from './members.ts';
import { textOf } from './members.ts';

export interface ListedEffect {
  readonly tenant: string;
  readonly origin: string;
  readonly action: string;
  /** Leaf index of its `action.decided`, decimal. */
  readonly decision: string;
  readonly claim: string;
  readonly executor: string;
  readonly operation: string | null;
  /** When its claim was granted. */
  readonly since: string;
  /** What is to be reported next: result, healthcheck or rollback. */
  readonly awaits: string;
  readonly due: string;
  /** When it was found overdue: whether it happened is not known. null: not overdue as far as the ledger says. */
  readonly uncertainSince: string | null;
  /** Leaf index of the entry that says so much of it last, decimal: its receipt proves it. */
  readonly provedAt: string;
}

/** A fold over entries in ledger order, of any kinds and tenants; keeps only what is open. */
export class EffectList {
  readonly #open = new Map<string, ListedEffect>();

  add({ tenant, kind, statement: { predicate, subject } }: ToldEntry & { readonly tenant: string }): void {
    const key = `${tenant}\n${textOf(predicate, 'decision') ?? ''}`;
    const known = this.#open.get(key);
    const next = kind === 'claim.granted' ? granted(tenant, subject[0].name, predicate) : after(known, kind, predicate);
    if (next) this.#open.set(key, next);
    else this.#open.delete(key);
  }

  /** The one that is due first comes first. */
  list(): ListedEffect[] {
    return [...this.#open.values()].sort((a, b) => compare(a.due, b.due) || compare(a.tenant, b.tenant) || compare(a.action, b.action));
  }
}

function granted(tenant: string, action: string, predicate: Predicate): ListedEffect {
  return {
    ...{ tenant, origin: predicate.origin, action, decision: textOf(predicate, 'decision') ?? '' },
    ...{ claim: textOf(predicate, 'claim') ?? '', executor: textOf(predicate, 'executor') ?? '' },
    ...{ operation: textOf(predicate, 'operation') ?? null, since: predicate.decidedAt, awaits: 'result' },
    ...{ due: textOf(predicate, 'resultBy') ?? '', uncertainSince: null, provedAt: predicate.index },
  };
}

/** undefined: nothing is open any more. A report that leaves something owed says what, and until when. */
function after(effect: ListedEffect | undefined, kind: string, predicate: Predicate): ListedEffect | undefined {
  if (!effect) return undefined;
  if (kind === 'effect.uncertain') return { ...effect, uncertainSince: predicate.decidedAt, provedAt: predicate.index };
  if (kind === 'effect.closed') return undefined;
  if (kind !== 'outcome.recorded') return effect;
  const awaits = textOf(predicate, 'awaits');
  if (awaits === undefined) return undefined;
  return { ...effect, awaits, due: textOf(predicate, 'until') ?? effect.due, uncertainSince: null, provedAt: predicate.index };
}

/** Times have one form of one length, so their order is that of their texts. */
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
