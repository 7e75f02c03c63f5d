/** What is left to whoever was told no. The table of reasons alone says it; nothing here says what would be allowed. */
import { textOf, textsOf, type ToldEntry } from './members.ts';
import { type NextStep, REASONS } from './reasons.ts';

export type NextAfterNo = Extract<NextStep, 'stop' | 'retry' | 'ask again'>;

/** The word of the first code that the table has. None of them, or one that is no reason for a no: `stop`. */
export function nextAfterNo(...codes: readonly string[]): NextAfterNo {
  const known = codes.find((code) => REASONS.has(code)) ?? '';
  const next = REASONS.get(known)?.next;
  return next === 'retry' || next === 'ask again' ? next : 'stop';
}

/** After an entry that says no to what was asked; undefined after any other, and in shadow mode, where nothing was asked for. */
export function nextOf({ kind, statement: { predicate } }: ToldEntry): NextAfterNo | undefined {
  return saysNo(kind, predicate) ? nextAfterNo(...codesOf(kind, predicate)) : undefined;
}

/** The reason codes of an entry. */
export function codesOf(kind: string, predicate: object): readonly string[] {
  const single = { 'escalation.settled': 'outcome', 'input.refused': 'code' }[kind];
  if (single === undefined) return textsOf(predicate, 'reasons');
  const code = textOf(predicate, single);
  return code === undefined ? [] : [code];
}

function saysNo(kind: string, predicate: object): boolean {
  if (kind === 'action.decided') return textOf(predicate, 'verdict') === 'DENY';
  if (kind === 'escalation.settled') return textOf(predicate, 'outcome') !== 'ALLOW_APPROVED';
  return kind === 'claim.refused' || kind === 'input.refused';
}
