/** What the receipt of an entry is called, for people: one name for one thing, in the CLI, the API and packs. */
import { memberOf, textsOf, type ToldEntry } from './members.ts';

export function proofNames({ kind, statement: { predicate } }: ToldEntry): string[] {
  if (kind === 'outcome.recorded') return [OUTCOMES.get(memberOf(predicate, 'outcome')) ?? 'outcome receipt'];
  if (kind === 'approval.recorded') return ['approval'];
  if (kind !== 'action.decided') return [`${kind} receipt`];
  const names = ['decision receipt'];
  if (predicate.verdict === 'ESCALATE') names.push('escalation queue entry');
  if (textsOf(predicate, 'reasons').includes('DENY_TENANT_SCOPE')) names.push('tenant-scoped denial receipt');
  if (memberOf(predicate, 'incident') !== undefined) names.push('incident-action receipt');
  return names;
}

const OUTCOMES: ReadonlyMap<unknown, string> = new Map([
  ['result', 'change receipt'],
  ['healthcheck', 'healthcheck receipt'],
  ['rollback', 'rollback receipt'],
]);
