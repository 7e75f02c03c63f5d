import type { ToldEntry } from './told-entry.ts';

interface ToldFreeze {
  readonly level: string;
  readonly scope: { readonly kind: string; readonly value?: string };
  readonly by: string;
  /** ISO 8601, which sorts as time does; absent: until lifted. */
  readonly until?: string;
}

/** Freezes as the lane's own tree tells them. */
export class ToldFreezes {
  readonly #inForce = new Map<string, ToldFreeze>();

  take({ kind, predicate }: ToldEntry): string[] {
    if (kind === 'freeze.raised') this.#inForce.set(predicate['freeze'] as string, predicate as unknown as ToldFreeze);
    if (kind !== 'freeze.lifted') return [];
    const { lifts, by } = predicate as unknown as { lifts: string; by: string };
    const raisedBy = this.#inForce.get(lifts)?.by ?? by;
    this.#inForce.delete(lifts);
    return raisedBy.toLowerCase() === by.toLowerCase() ? [`${lifts} is lifted by whoever raised it, or was never raised`] : [];
  }

  /** What stands in the way of what `about`, a decision or a grant, is about, at the time of `at`. */
  over({ tenant, predicate: about }: ToldEntry, { predicate: { decidedAt } }: ToldEntry, levels = ['freeze', 'stop']): string[] {
    const { class: ofClass, connector, actor } = about as { class?: unknown; connector?: unknown; actor?: { id: string } };
    const named: Readonly<Record<string, unknown>> = { tenant, class: ofClass, connector, agent: actor?.id };
    return [...this.#inForce]
      .filter(
        ([
          ,
          {
            level,
            scope: { kind, value },
            until = '~',
          },
        ]) => {
          return levels.includes(level) && (kind === 'all' || named[kind] === value) && decidedAt < until;
        },
      )
      .map(([id]) => `${id} stands in its way`);
  }
}
