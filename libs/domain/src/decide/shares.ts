/** Room of a lane that its tenants share: each has its own part, and may borrow what is idle. */

/** What one tenant holds. */
export interface Held {
  readonly size: number;
  /** Without what the next sweep forgets. */
  liveSize(nowMs: number): number;
}

/**
 * Whether `mine` may hold as many more, where the lane holds `max`. Beyond it a tenant still has its own share, which no neighbour takes away: a
 * lane holds twice as much at most.
 */
export function hasRoom({ mine, all, more, max }: { mine: Held; all: readonly Held[]; more: number; max: number }, nowMs: number): boolean {
  const isRoom = (sizeOf: (held: Held) => number): boolean =>
    sizeOf(mine) + more <= Math.floor(max / all.length) || all.reduce((sum, held) => sum + sizeOf(held), more) <= max;
  return isRoom(({ size }) => size) || isRoom((held) => held.liveSize(nowMs));
}
