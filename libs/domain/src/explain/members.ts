/** What is looked up in an entry: members that are not there, or not what they should be, are simply not told. */
import type { Statement } from '../ledger/entry.ts';

/** One verified entry. `kind` as its predicateType says. */
export interface ToldEntry {
  readonly kind: string;
  readonly statement: Statement;
}

export function textOf(members: unknown, name: string): string | undefined {
  const value = memberOf(members, name);
  return typeof value === 'string' && value !== '' ? printable(value) : undefined;
}

export function textsOf(members: unknown, name: string): readonly string[] {
  const value = memberOf(members, name);
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string').map(printable) : [];
}

export function listOf(members: unknown, name: string): readonly unknown[] {
  const value = memberOf(members, name);
  return Array.isArray(value) ? value : [];
}

export function memberOf(members: unknown, name: string): unknown {
  if (typeof members !== 'object' || members === null || !Object.hasOwn(members, name)) return undefined;
  return (members as Readonly<Record<string, unknown>>)[name];
}

/** The place that `member` names as an index: which means another entry in each log that a tenant has had. */
export function placeOf(predicate: object, member: string, log = textOf(predicate, 'origin')): string | undefined {
  const index = textOf(predicate, member);
  return index === undefined ? undefined : `${log ?? ''}\n${index}`;
}

/** Labels and policies are others' texts: they get no control of the reader's terminal, nor of the order of letters there. */
export function printable(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => (character === '\n' || character === '\t' ? character : '\uFFFD'));
}
