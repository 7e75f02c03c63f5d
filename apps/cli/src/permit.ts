import { parseTime, permitOf, type Predicate } from '#domain';

/** Whether a verified decision still lets anyone act: ALLOW, and not past the time until which it must have been carried out. */
export function stillAllows(predicate: Predicate, nowMs: number): boolean {
  const permit = permitOf(predicate);
  return predicate.verdict === 'ALLOW' && permit !== undefined && nowMs < parseTime(permit.executeBy);
}
