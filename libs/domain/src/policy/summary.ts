import { atPointer } from './pointer.ts';
import type { ClassRule } from './tables.ts';
import type { Proposal } from './types.ts';

/** Characters: one line. */
const SUMMARY_CHARS_MAX = 256;
const HOLE = /\{([^{}]*)\}/g;
const NAMES = ['actor', 'operation', 'connector', 'resource'];

/** What is asked for, in one line: for people only, the values are the proposer's own. Control characters and line breaks are left out. */
export function summaryOf(rule: ClassRule, proposal: Proposal): string {
  const values = new Map<string, string>([
    ['actor', proposal.actor.id],
    ['operation', proposal.operation],
    ['connector', proposal.connector ?? ''],
    ['resource', `${proposal.resource.type} ${proposal.resource.id}`],
  ]);
  const text = (rule.summary ?? '{operation} on {resource}').replace(HOLE, (_hole, name: string) => {
    if (!name.startsWith('/')) return values.get(name) ?? '';
    const value = atPointer(proposal.parameters, name);
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '?';
  });
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '');
  return line.length <= SUMMARY_CHARS_MAX ? line : `${line.slice(0, SUMMARY_CHARS_MAX - 1)}…`;
}

/** What stands in its holes. */
export const holesOf = (summary: string): string[] => [...summary.matchAll(HOLE)].map(([, name = '']) => name);

/** Holes that nothing fills. */
export const unknownHoles = (summary: string): string[] =>
  holesOf(summary).filter((name) => !name.startsWith('/') && !NAMES.includes(name));
