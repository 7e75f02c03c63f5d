import type { Predicate } from '#domain';

import type { ToldCredentials } from './told-credentials.ts';
import type { ToldEntry } from './told-entry.ts';
import { ACTOR } from './proposals.ts';
import { REVERT_OF, SEATS } from './simulated-bundle.ts';
import type { ToldFreezes } from './told-freezes.ts';

interface Question {
  readonly asked: ToldEntry;
  readonly approvedBy: Set<string>;
  isDenied: boolean;
}
/** What an entry that carries a permit says. */
export interface ToldPermit {
  readonly of: ToldEntry;
  readonly executors: readonly string[];
  readonly executeBy: string;
  /** What undoes it. */
  readonly revert?: string;
}

/** Nobody says yes to what is done by or for himself. */
const OWN_PEOPLE = [ACTOR.id, ACTOR.actingFor];

/** Decisions, votes and settlements of one tree. */
export class ToldPermits {
  /** By leaf index. */
  readonly #open = new Map<string, Question>();
  readonly #permits = new Map<string, ToldPermit>();

  constructor(
    private readonly freezes: ToldFreezes,
    private readonly credentials: ToldCredentials,
  ) {}

  at(index: unknown): ToldPermit | undefined {
    return this.#permits.get(index as string);
  }

  isRevoked(issuer: unknown): boolean {
    return this.credentials.isRevoked(issuer);
  }

  isGone(asked: Predicate): boolean {
    return this.credentials.isGone(asked);
  }

  take(entry: ToldEntry): string[] {
    const { kind } = entry;
    this.credentials.take(entry);
    if (kind === 'action.decided') return this.#decided(entry);
    if (kind === 'approval.recorded') return this.#voted(entry);
    return kind === 'escalation.settled' ? this.#settled(entry) : [];
  }

  /** What should have ended by then. */
  overdue(time: string): string[] {
    const deadlines = [...this.#open].map(([index, { asked }]) => [index, asked.predicate['approvalDeadline'] as string] as const);
    const asksInVain = [...this.#open].filter(([, { asked }]) => this.isGone(asked.predicate));
    return deadlines
      .filter(([, deadline]) => deadline <= time)
      .map(([index, deadline]) => `${index} still waits for people, until ${deadline}`)
      .concat(asksInVain.map(([index]) => `${index} still waits for people, and its proposer was revoked`));
  }

  #decided(entry: ToldEntry): string[] {
    const { verdict, index } = entry.predicate;
    if (verdict === 'ESCALATE') this.#open.set(index, { asked: entry, approvedBy: new Set(), isDenied: false });
    const mayHappen = verdict === 'ALLOW' || verdict === 'ESCALATE';
    const faults = mayHappen && this.isGone(entry.predicate) ? ['its proposer is not there, or was revoked'] : [];
    return [...faults, ...this.#permit(entry, verdict === 'ALLOW'), ...(mayHappen ? this.freezes.over(entry, entry) : [])];
  }

  #voted({ predicate }: ToldEntry): string[] {
    const { decision, bindingDigest, vote, by } = predicate as unknown as Record<'decision' | 'bindingDigest' | 'vote' | 'by', string>;
    const question = this.#open.get(decision);
    if (!question) return [`a vote on ${decision}, which waits for nobody`];
    const person = by.toLowerCase();
    if (vote === 'approve') question.approvedBy.add(person);
    else question.isDenied = true;
    return [
      ...(OWN_PEOPLE.includes(person) ? [`${by} votes on what is done by or for ${by}`] : []),
      ...(question.asked.predicate['bindingDigest'] === bindingDigest ? [] : ['a vote on something else than was asked']),
    ];
  }

  #settled(entry: ToldEntry): string[] {
    const { decidedAt, bundle } = entry.predicate;
    const { settles, deadline, outcome } = entry.predicate as unknown as Record<'settles' | 'deadline' | 'outcome', string>;
    const question = this.#open.get(settles);
    if (!question) return [`${settles} is settled, which waits for nobody`];
    this.#open.delete(settles);
    const faults = this.#permit(entry, outcome === 'ALLOW_APPROVED');
    const { asked, approvedBy, isDenied } = question;
    if ((outcome === 'CANCELLED_REVOKED') !== this.isGone(asked.predicate)) faults.push(`${outcome}, and its proposer`);
    if ((outcome === 'EXPIRED_NO_DECISION') !== decidedAt >= deadline) faults.push(`${outcome} at ${decidedAt}, due ${deadline}`);
    if (isDenied !== (outcome === 'DENY_HUMAN')) faults.push(`${outcome}, and somebody's no: ${isDenied}`);
    if (outcome !== 'ALLOW_APPROVED') return faults;
    const seats = (asked.predicate['ruleSet'] as string[]).reduce((sum, rule) => sum + (SEATS[rule] ?? Infinity), 0);
    if (approvedBy.size < seats) faults.push(`${approvedBy.size} people said yes, ${seats} are needed`);
    if (bundle !== asked.predicate.bundle) faults.push('other rules are in force than those that people were asked under');
    return [...faults, ...this.freezes.over(asked, entry)];
  }

  /** Remembers the permit of a yes. */
  #permit(of: ToldEntry, isYes: boolean): string[] {
    const permit = of.predicate['permit'] as unknown as Omit<ToldPermit, 'of'> | undefined;
    if (permit) this.#permits.set(of.predicate.index, { of, ...permit });
    if ((permit !== undefined) !== isYes) return ['a permit without a yes, or a yes without a permit'];
    // A settlement's bundle is the one that asked. Only a change calls a contract.
    const revert = of.predicate['class'] === 'change' ? REVERT_OF.get(of.predicate.bundle) : undefined;
    return !permit || permit.revert === revert ? [] : [`${permit.revert ?? 'nothing'} undoes it, not ${revert ?? 'nothing'}`];
  }
}
