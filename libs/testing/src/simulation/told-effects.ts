import type { ToldEntry } from './told-entry.ts';
import type { ToldFreezes } from './told-freezes.ts';
import type { ToldPermits } from './told-permits.ts';

interface ToldEffect {
  readonly grant: ToldEntry;
  /** undefined: it is over. */
  awaits: string | undefined;
  until: string;
  isUncertain: boolean;
}

const AFTER_A_GRANT = ['outcome.recorded', 'effect.uncertain', 'effect.closed', 'rollback.granted'];

/** Claims and what came of them, of one tree. */
export class ToldEffects {
  /** By the leaf index of the decision. */
  readonly #effects = new Map<string, ToldEffect>();

  constructor(
    private readonly permits: ToldPermits,
    private readonly freezes: ToldFreezes,
  ) {}

  take(entry: ToldEntry): string[] {
    const { kind } = entry;
    if (kind === 'claim.granted') return this.#granted(entry);
    if (!AFTER_A_GRANT.includes(kind)) return [];
    const { decision, claim, executor } = entry.predicate as unknown as Record<'decision' | 'claim' | 'executor', string>;
    const effect = this.#effects.get(decision);
    const of = effect?.grant.predicate;
    const isClaimed = claim === of?.['claim'] && executor === of['executor'];
    if (!effect || !isClaimed) return [`${kind} of ${decision}, which ${executor} did not claim as ${claim}`];
    if (kind === 'outcome.recorded') return this.#recorded(entry, effect);
    if (kind === 'effect.closed') return closed(effect);
    if (kind === 'rollback.granted') return this.#rolledBack(entry, effect);
    return entry.predicate['cause'] === 'EXECUTOR_REVOKED' ? this.#cutOff(executor, effect) : uncertain(entry, effect);
  }

  /** What should have become uncertain by then. */
  overdue(time: string): string[] {
    const left = [...this.#effects].filter(([, { awaits, until, isUncertain }]) => awaits !== undefined && !isUncertain && until <= time);
    const cutOff = [...this.#effects.values()].filter(
      ({ grant, awaits, isUncertain }) => awaits !== undefined && !isUncertain && this.permits.isRevoked(grant.predicate['executor']),
    );
    return [
      ...left.map(([decision, { until }]) => `nobody reported of ${decision} until ${until}, and nothing says so`),
      ...cutOff.map(({ grant }) => `${grant.predicate['executor'] as string} was revoked, and nothing says that its effect is uncertain`),
    ];
  }

  #granted(entry: ToldEntry): string[] {
    const { decidedAt } = entry.predicate;
    const { decision, executor, resultBy } = entry.predicate as unknown as Record<'decision' | 'executor' | 'resultBy', string>;
    const permit = this.permits.at(decision);
    if (this.permits.isRevoked(executor)) return [`${decision} is claimed by ${executor}, who was revoked`];
    if (!permit) return [`${decision} is claimed, which has no permit`];
    const faults = this.freezes.over(permit.of, entry);
    if (this.#effects.has(decision)) faults.push(`${decision} is claimed a second time`);
    if (!permit.executors.includes(executor)) faults.push(`${executor} may not claim ${decision}`);
    if (decidedAt >= permit.executeBy) faults.push(`claimed at ${decidedAt}, after ${permit.executeBy}`);
    if (entry.predicate['revert'] !== permit.revert) faults.push('something else undoes it than the permit says');
    if (this.permits.isGone(permit.of.predicate)) faults.push('its proposer was revoked');
    this.#effects.set(decision, { grant: entry, awaits: 'result', until: resultBy, isUncertain: false });
    return faults;
  }

  #recorded(entry: ToldEntry, effect: ToldEffect): string[] {
    const { outcome, status, late, keyid, awaits, until = '' } = entry.predicate as unknown as Recorded;
    if (this.permits.isRevoked(entry.predicate['executor'])) return ['a report of a revoked executor is recorded'];
    const faults = outcome === effect.awaits ? [] : [`${outcome} is recorded, awaited is ${effect.awaits ?? 'nothing'}`];
    if (keyid !== effect.grant.predicate['keyid']) faults.push('it is signed with another key than the claim'); // each has one here
    if (late !== effect.isUncertain) faults.push(`late is ${late}, uncertain was ${effect.isUncertain}`);
    if (entry.predicate['revert'] !== effect.grant.predicate['revert']) faults.push('something else undoes it than was granted');
    const next = this.#next(entry, effect, `${outcome} ${status}`);
    if (awaits !== next) faults.push(`awaits ${awaits ?? 'nothing'} after ${outcome} ${status}, not ${next ?? 'nothing'}`);
    Object.assign(effect, { awaits, until, isUncertain: false });
    return faults;
  }

  #next(entry: ToldEntry, { grant }: ToldEffect, reported: string): string | undefined {
    const { obligations = [], rollback } = grant.predicate as unknown as { obligations?: string[]; rollback?: string };
    if (reported === 'result succeeded' && obligations.includes('healthcheck')) return 'healthcheck';
    const mayGoBack = rollback !== undefined && this.freezes.over(grant, entry, ['stop']).length === 0;
    return reported === 'healthcheck failed' && mayGoBack ? 'rollback' : undefined;
  }

  /** Its executor was revoked before it reported. */
  #cutOff(executor: string, effect: ToldEffect): string[] {
    const isSo = this.permits.isRevoked(executor) && effect.awaits !== undefined && !effect.isUncertain;
    effect.isUncertain = true;
    return isSo ? [] : [`uncertain because ${executor} was revoked: awaited is ${effect.awaits ?? 'nothing'}`];
  }

  /** A freeze stands in nobody's way back; a stop does. */
  #rolledBack(entry: ToldEntry, { grant, awaits }: ToldEffect): string[] {
    const { operation } = entry.predicate as unknown as { operation: string };
    const isApproved = awaits === 'rollback' && operation === grant.predicate['rollback'];
    const faults = isApproved ? [] : [`${operation} is granted as the way back, and nobody approved it`];
    return [...faults, ...this.freezes.over(grant, entry, ['stop'])];
  }
}

interface Recorded {
  readonly keyid: string;
  readonly outcome: string;
  readonly status: string;
  readonly late: boolean;
  readonly awaits?: string;
  readonly until?: string;
}

/** Only what is uncertain can be closed: of anything else a report may still come. */
function closed(effect: ToldEffect): string[] {
  const faults = effect.isUncertain && effect.awaits !== undefined ? [] : ['closed while it was not uncertain'];
  effect.awaits = undefined;
  return faults;
}

function uncertain({ predicate }: ToldEntry, effect: ToldEffect): string[] {
  const { decidedAt, awaited } = predicate as unknown as Record<'decidedAt' | 'awaited', string>;
  const isDue = !effect.isUncertain && effect.awaits !== undefined && awaited === effect.awaits && decidedAt >= effect.until;
  effect.isUncertain = true;
  const told = `uncertain at ${decidedAt} about ${awaited}: awaited is ${effect.awaits ?? 'nothing'}, until ${effect.until}`;
  return isDue ? [] : [told];
}
