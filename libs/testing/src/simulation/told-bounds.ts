import { parseTime, type Predicate } from '#domain';

import { USES_OF } from './proposals.ts';
import { LIMITED } from './simulated-bundle.ts';
import type { ToldCredentials } from './told-credentials.ts';
import type { ToldEntry } from './told-entry.ts';

/** A decision that may still happen, or has. */
interface Counted {
  readonly predicate: Predicate;
  readonly digests: readonly string[];
}

/** What one tenant's statements and cumulative limits let happen, in whichever of its logs. */
export class ToldBounds {
  /** By origin and leaf index. */
  readonly #counted = new Map<string, Counted>();
  /** Who vouched for what a permit rests on, by where the permit is. */
  readonly #vouched = new Map<string, readonly string[]>();

  constructor(private readonly credentials: ToldCredentials) {}

  take({ kind, predicate }: ToldEntry): string[] {
    const at = (index: unknown): string => `${predicate.origin} ${String(index)}`;
    const evidence = (predicate['conditions'] as { evidence?: { digest: string; issuer: string }[] } | undefined)?.evidence ?? [];
    if (predicate['permit'] !== undefined)
      this.#vouched.set(
        at(predicate.index),
        evidence.map(({ issuer }) => issuer),
      );
    if (kind === 'escalation.settled' && predicate['outcome'] !== 'ALLOW_APPROVED') this.#counted.delete(at(predicate['settles']));
    if (kind === 'claim.granted') return this.#claimed(at(predicate['decision']));
    const mayHappen = predicate.verdict === 'ALLOW' || predicate.verdict === 'ESCALATE';
    if (kind !== 'action.decided' || !mayHappen) return [];
    const faults = this.#overLimit(predicate);
    this.#counted.set(at(predicate.index), { predicate, digests: evidence.map(({ digest }) => digest) });
    return [...faults, ...evidence.flatMap(({ digest }) => this.#usedTooOften(digest))];
  }

  #claimed(permit: string): string[] {
    const revoked = (this.#vouched.get(permit) ?? []).filter((issuer) => this.credentials.isRevoked(issuer));
    return revoked.map((issuer) => `a claim is granted that rests on evidence of ${issuer}, which was revoked`);
  }

  #usedTooOften(digest: string): string[] {
    const uses = [...this.#counted.values()].filter(({ digests }) => digests.includes(digest)).length;
    return uses > (USES_OF.get(digest) ?? 0) ? [`a statement counts ${uses} times`] : [];
  }

  /** Without people, or at all, where the limit denies. */
  #overLimit({ verdict, decidedAt, class: cls }: Predicate): string[] {
    const limit = LIMITED.find((each) => each.class === cls && (each.isHard || verdict === 'ALLOW'));
    if (!limit) return [];
    const from = parseTime(decidedAt) - limit.windowMs;
    const before = [...this.#counted.values()].filter(
      ({ predicate }) => predicate['class'] === cls && parseTime(predicate.decidedAt) > from,
    );
    return before.length < limit.max ? [] : [`${before.length + 1} of class ${limit.class}, at most ${limit.max}`];
  }
}
