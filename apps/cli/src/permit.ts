import { parseTime, type Predicate } from '#domain';

/** Whether a verified decision still lets anyone act: ALLOW, and not past the time until which it must have been carried out. */
export function stillAllows({ verdict, permit }: Predicate, nowMs: number): boolean {
  if (verdict !== 'ALLOW' || typeof permit !== 'object' || permit === null) return false;
  const { executeBy } = permit as { readonly executeBy?: unknown };
  return typeof executeBy === 'string' && nowMs < parseTime(executeBy);
}
