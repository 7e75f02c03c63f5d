/** What differs between two bundles, member by member, in the words of their folders. */
import { type Bundle, canonicalize, type Json } from '#domain';

export interface Difference {
  /** Such as `policies`, `classes`, `contracts`. */
  readonly part: string;
  readonly name: string;
  readonly change: 'added' | 'removed' | 'changed';
  readonly before?: Json;
  readonly after?: Json;
}

/** In the order of a review: what decides first. */
const PARTS: readonly (readonly [part: string, rows: (bundle: Bundle) => Readonly<Record<string, unknown>>])[] = [
  ['policies', ({ tables }) => tables.cedar.policies],
  ['classes', ({ tables }) => tables.classes],
  ['approval-rules', ({ tables }) => tables.approvalRules],
  [
    'contracts',
    ({ tables }) =>
      Object.fromEntries(
        pairs(tables.contracts, ({ version, operations }) => pairs(operations, (operation) => [['', { version, ...operation }]])),
      ),
  ],
  ['envelopes', ({ tables }) => tables.envelopes],
  ['resources', ({ tables }) => Object.fromEntries(pairs(tables.resources, (rows) => pairs(rows, (row) => [['', row]])))],
  ['actors', ({ tables }) => tables.actors ?? {}],
  ['windows', ({ tables }) => tables.windows],
  ['schema', ({ tables }) => ({ schema: tables.cedar.schema })],
  ['bundle', ({ tables }) => ({ name: tables.name })],
];

export function differences(before: Bundle, after: Bundle): Difference[] {
  return PARTS.flatMap(([part, rows]) => {
    const [old, next] = [rows(before), rows(after)];
    const names = [...new Set([...Object.keys(old), ...Object.keys(next)])].sort();
    return names.flatMap((name): Difference[] => {
      const [was, is] = [own(old, name), own(next, name)];
      if (was !== undefined && is !== undefined) {
        return canonicalize(was) === canonicalize(is) ? [] : [{ part, name, change: 'changed', before: was, after: is }];
      }
      return [was === undefined ? { part, name, change: 'added', after: is ?? null } : { part, name, change: 'removed', before: was }];
    });
  });
}

/** Lines for people: one per difference, a changed or added policy with its text. */
export function linesOf({ part, name, change, before, after }: Difference): string[] {
  const sign = { added: '+', removed: '-', changed: '~' }[change];
  const texts = part === 'policies' ? [...textLines('-', before, after), ...textLines('+', after, before)] : membersOf(before, after);
  return [`${sign} ${part} ${name}`, ...texts.map((line) => `    ${line}`)];
}

/** Those that the other text has not. */
function textLines(sign: string, text: Json | undefined, other: Json | undefined): string[] {
  const lines = (value: Json | undefined): string[] => (typeof value === 'string' ? value.trimEnd().split('\n') : []);
  const known = new Set(lines(other));
  return lines(text)
    .filter((line) => !known.has(line))
    .map((line) => `${sign} ${line}`);
}

/** Members that differ, of a row that was there before and is there still. */
function membersOf(before: Json | undefined, after: Json | undefined): string[] {
  if (!isObject(before) || !isObject(after)) return [];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  const text = (value: Json | undefined): string => (value === undefined ? 'none' : canonicalize(value));
  return names.flatMap((name) => {
    const [was, is] = [text(own(before, name)), text(own(after, name))];
    return was === is ? [] : [`${name}: ${was} -> ${is}`];
  });
}

const isObject = (value: Json | undefined): value is Record<string, Json> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const own = (rows: Readonly<Record<string, unknown>>, name: string): Json | undefined =>
  Object.hasOwn(rows, name) ? (rows[name] as Json) : undefined;

/** Names joined by a space, which is in none of them. */
function pairs<T>(rows: Readonly<Record<string, T>>, each: (row: T) => [string, unknown][]): [string, unknown][] {
  return Object.entries(rows).flatMap(([name, row]) =>
    each(row).map(([more, value]): [string, unknown] => [`${name} ${more}`.trim(), value]),
  );
}
