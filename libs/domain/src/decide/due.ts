import type { OpenEffect, OpenEscalation } from './open.ts';

/** What time settles on one lane, each ordered by (deadline, action id, tenant, index). */
export interface DueBook {
  readonly open: OpenEscalation[];
  /** Claimed effects whose next report is awaited. */
  readonly effects: OpenEffect[];
}

export const emptyDue = (): DueBook => ({ open: [], effects: [] });

export function openEscalation(book: DueBook, escalation: OpenEscalation): void {
  book.open.splice(position(book.open, escalation), 0, escalation);
}

export const findEscalation = (book: DueBook, tenant: string, index: number): OpenEscalation | undefined =>
  book.open.find((open) => open.index === index && open.tenant === tenant);

export function awaitEffect(book: DueBook, effect: OpenEffect): void {
  book.effects.splice(position(book.effects, effect), 0, effect);
}

export function awaitNoMore(book: DueBook, effect: OpenEffect): void {
  const at = book.effects.indexOf(effect);
  if (at >= 0) book.effects.splice(at, 1);
}

/** The first one whose deadline is reached; over means `nowMs ≥ deadlineMs`. Escalations before effects. */
export function firstDue(book: DueBook, nowMs: (tenant: string) => number): OpenEscalation | OpenEffect | undefined {
  for (const first of [book.open[0], book.effects[0]]) if (first && nowMs(first.tenant) >= first.deadlineMs) return first;
  return undefined;
}

/** Closes it and returns it; undefined when it is not open. */
export function closeEscalation(book: DueBook, tenant: string, index: number): OpenEscalation | undefined {
  const at = book.open.findIndex((open) => open.index === index && open.tenant === tenant);
  return at < 0 ? undefined : book.open.splice(at, 1)[0];
}

type Due = Pick<OpenEscalation, 'tenant' | 'index' | 'actionId' | 'deadlineMs'>;

function position(open: readonly Due[], escalation: Due): number {
  let low = 0;
  let high = open.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = open[middle];
    if (other && isBefore(other, escalation)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isBefore(a: Due, b: Due): boolean {
  if (a.deadlineMs !== b.deadlineMs) return a.deadlineMs < b.deadlineMs;
  if (a.actionId !== b.actionId) return a.actionId < b.actionId;
  if (a.tenant !== b.tenant) return a.tenant < b.tenant;
  return a.index < b.index;
}
