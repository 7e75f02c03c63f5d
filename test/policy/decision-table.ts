/** Reads decision-table.txt: each row a proposal that differs from its operation's plain one in what the row says, and what must come of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { type ActorKind, type FreezeLevel, type FreezeScope, OPEN_ESCALATIONS_PER_ACTOR_MAX } from '#domain';

export interface RowFreeze {
  readonly level: FreezeLevel;
  readonly scope: FreezeScope;
  /** How it had ended before the proposal came; absent: it is in force. */
  readonly ended?: 'lifted' | 'over';
}
type Who = Pick<Row, 'actor' | 'id' | 'actingFor'>;
/** What was decided before: as the row itself, but for this. */
export interface RowBefore {
  readonly times: number;
  /** The row brings the statements that the first of them has brought. */
  readonly reused: boolean;
  readonly by: Who | undefined;
  /** Of the parameters; `#` stands for a number that each has for itself. */
  readonly change: readonly string[];
}
export const ROW_WINDOWS = ['any', 'open', 'closed', 'night', 'sunday'] as const;
export type RowWindow = (typeof ROW_WINDOWS)[number];

export interface Row {
  /** Of the file. */
  readonly line: number;
  readonly cls: string;
  readonly operation: string;
  readonly resource: string;
  readonly actor: ActorKind;
  /** Of the actor, and for whom it acts; undefined: it names nobody. */
  readonly id: string;
  readonly actingFor: string | undefined;
  readonly tenant: string;
  readonly evidence: readonly string[];
  readonly window: RowWindow;
  /** In the order in which they were raised. */
  readonly freezes: readonly RowFreeze[];
  readonly contract: 'pinned' | 'none-pinned' | 'drifted' | 'missing';
  readonly change: readonly string[];
  readonly before: RowBefore | undefined;
  readonly verdict: 'ALLOW' | 'DENY' | 'ESCALATE';
  readonly reason: string;
}

/** Everyone who asks in a row. The bundle has no envelope for a stranger. */
export const TENANTS = ['acme', 'globex', 'stranger'] as const;
const CELLS = 13;

export function readRows(): Row[] {
  const lines = readFileSync(join(import.meta.dirname, 'decision-table.txt'), 'utf8')
    .trimEnd()
    .split('\n');
  const at = lines.findIndex((line) => !line.startsWith('#'));
  return lines.slice(at + 1).map((text, index) => rowOf(at + index + 2, text));
}

/** Rows under the same freezes. */
export const groupsOf = (rows: readonly Row[]): Row[][] => [...Map.groupBy(rows, ({ freezes }) => JSON.stringify(freezes)).values()];

/** No more at a time than one actor may ask of people, with what was decided before each. */
export function roundsOf(rows: readonly Row[]): Row[][] {
  const rounds: Row[][] = [];
  let room = 0;
  for (const row of rows) {
    room -= 1 + (row.before?.times ?? 0);
    if (room < 0) {
      rounds.push([]);
      room = OPEN_ESCALATIONS_PER_ACTOR_MAX - 1 - (row.before?.times ?? 0);
    }
    rounds.at(-1)?.push(row);
  }
  return rounds;
}

function rowOf(line: number, text: string): Row {
  const cells = text.split('|').map((cell) => cell.trim());
  if (cells.length !== CELLS) throw new Error(`decision-table.txt line ${line}: expected ${CELLS} cells`);
  const [
    cls,
    operation,
    resource,
    actor = '',
    tenant,
    evidence = '',
    window,
    freeze = '',
    contract,
    change = '',
    before = '',
    verdict,
    reason,
  ] = cells;
  return {
    ...{ line, cls, operation, resource, ...actorOf(actor), tenant, window, contract, verdict, reason },
    evidence: evidence === '-' ? [] : evidence.split('+'),
    freezes: freeze === 'none' ? [] : freeze.split(';').map(freezeOf),
    change: change === '-' ? [] : change.split(';'),
    before: before === '-' ? undefined : beforeOf(before),
  } as Row;
}

function beforeOf(text: string): RowBefore {
  const [, times, rest = ''] = /^(\d+) x(?: (.+))?$/.exec(text) ?? [];
  if (times === undefined) throw new Error(`decision-table.txt: ${text} says of no number of actions that they were decided before`);
  const items = rest.split(';').filter((item) => item !== '');
  const by = items.find((item) => item.startsWith('by '))?.slice('by '.length);
  return {
    times: Number(times),
    reused: items.includes('reused'),
    by: by === undefined ? undefined : actorOf(by),
    change: items.filter((item) => item !== 'reused' && !item.startsWith('by ')),
  };
}

function actorOf(text: string): Who {
  const [, actor, id = 'agent', named] = /^(\w+)(?::(\S+))?(?: (alone|for \w+))?$/.exec(text) ?? [];
  if (actor === undefined) throw new Error(`decision-table.txt: ${text} is no actor`);
  return { actor: actor as ActorKind, id, actingFor: named === 'alone' ? undefined : (named?.slice('for '.length) ?? 'ana') };
}

function freezeOf(text: string): RowFreeze {
  const [, level, kind, value, ended] = /^(freeze|stop) (all|\w+)(?::(\S+))?(?: (lifted|over))?$/.exec(text) ?? [];
  if (level === undefined) throw new Error(`decision-table.txt: ${text} is no freeze`);
  return { level, scope: { kind, ...(value === undefined ? {} : { value }) }, ...(ended === undefined ? {} : { ended }) } as RowFreeze;
}
