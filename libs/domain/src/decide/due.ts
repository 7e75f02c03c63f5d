/** An escalation that waits for people. */
export interface OpenEscalation {
  readonly tenant: string;
  /** Leaf index of its `action.decided`. */
  readonly index: number;
  readonly issuer: string;
  readonly actionId: string;
  readonly actor: string;
  readonly deadlineMs: number;
}

/** Open escalations of one lane, ordered by (deadline, action id, tenant, index): the order in which time settles them. */
export interface DueBook {
  readonly open: OpenEscalation[];
}

export const emptyDue = (): DueBook => ({ open: [] });

export function openEscalation(book: DueBook, escalation: OpenEscalation): void {
  book.open.splice(position(book, escalation), 0, escalation);
}

/** The first one whose deadline is reached; over means `nowMs ≥ deadlineMs`. */
export const firstDue = (book: DueBook, nowMs: (tenant: string) => number): OpenEscalation | undefined => {
  const [first] = book.open;
  return first && nowMs(first.tenant) >= first.deadlineMs ? first : undefined;
};

/** Closes it and returns it; undefined when it is not open. */
export function closeEscalation(book: DueBook, tenant: string, index: number): OpenEscalation | undefined {
  const at = book.open.findIndex((open) => open.index === index && open.tenant === tenant);
  return at < 0 ? undefined : book.open.splice(at, 1)[0];
}

function position({ open }: DueBook, escalation: OpenEscalation): number {
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

function isBefore(a: OpenEscalation, b: OpenEscalation): boolean {
  if (a.deadlineMs !== b.deadlineMs) return a.deadlineMs < b.deadlineMs;
  if (a.actionId !== b.actionId) return a.actionId < b.actionId;
  if (a.tenant !== b.tenant) return a.tenant < b.tenant;
  return a.index < b.index;
}
