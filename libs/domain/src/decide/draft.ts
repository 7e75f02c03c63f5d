import { sha256Hex } from '#crypto';

import { appendLeaf, leafHash } from '../formats/merkle.ts';
import { formatTime } from '../formats/time.ts';
import { ENTRY_BYTES_MAX, type Entry, type EntryKind, type Predicate, type Source } from '../ledger/entry.ts';
import { NO_PREVIOUS, type TreeHead } from '../ledger/heads.ts';
import type { InputForm } from '../ledger/record.ts';
import { placeMac, saidOf } from '../ledger/source.ts';
import { makeStatement, statementBytes } from '../ledger/statement.ts';
import { laneNow } from './lane-time.ts';
import type { LaneState } from './state.ts';
import type { DecideContext, Input } from './types.ts';

export type RecordInput = Extract<Input, { kind: 'record' }>;

/** What a decision says; `draft` adds what every entry has. */
export interface EntryContent {
  readonly kind: EntryKind;
  readonly members: Readonly<Record<string, unknown>>;
  /** Set when the entry concerns an action. */
  readonly actionId?: string;
  /** Hex SHA-256 of the payload; absent for ticks and refused raw bytes. */
  readonly payloadDigest?: string;
  readonly inputForm: InputForm;
  /** Of refused raw bytes: the tenant that they name. */
  readonly sender?: string;
}

/** The next entry of `tree`. Throws RangeError when E would exceed 16 KiB: the caller then drafts a constant-size refusal. */
export function draft(state: LaneState, context: DecideContext, tree: TreeHead, source: Source, content: EntryContent): Entry {
  const predicate = inOrder({
    ...content.members,
    origin: tree.origin,
    index: String(tree.range.size),
    previous: tree.range.size === 0 ? NO_PREVIOUS : tree.previous,
    decidedAt: formatTime(laneNow(state, context.nowMs)),
    rules: state.rules,
    engine: context.engine.name,
    bundle: state.bundle?.digest ?? null,
    source: saidOf(source, state.rules),
  }) as unknown as Predicate;
  const statement = makeStatement(content.kind, content.actionId ?? content.kind, predicate, content.payloadDigest);
  const bytes = statementBytes(statement);
  if (bytes.length > ENTRY_BYTES_MAX) throw new RangeError(`entry of ${bytes.length} bytes`);
  const { kind, inputForm, sender } = content;
  return {
    ...{ tenant: tree.tenant, kind, statement, bytes, actionId: content.actionId ?? '', inputForm, source },
    ...(sender === undefined ? {} : { sender }),
  };
}

/** Canonical JSON of sorted members takes a third of the time. */
const inOrder = (members: Readonly<Record<string, unknown>>): Record<string, unknown> => {
  const sorted: Record<string, unknown> = {};
  for (const name of orderOf(Object.keys(members))) sorted[name] = members[name];
  return sorted;
};

/** Entries have few shapes, all of this code's making: the order of each is worked out once. */
const orders = new Map<string, readonly string[]>();
function orderOf(names: readonly string[]): readonly string[] {
  const shape = names.join();
  const known = orders.get(shape);
  if (known) return known;
  const order = names.toSorted();
  orders.set(shape, order);
  return order;
}

export function treeOf(state: LaneState, tenant: string): TreeHead {
  const tree = state.heads.trees.get(tenant);
  if (!tree) throw new Error(`no tree for ${tenant}`);
  return tree;
}

/** The tree once `entry`, drafted for it, is its last: where the next part in the same tree goes. */
export const after = (tree: TreeHead, { bytes }: Entry): TreeHead => ({
  ...tree,
  range: appendLeaf(tree.range, leafHash(bytes)),
  previous: sha256Hex(bytes),
});

/** Names the committed record that part `part` of an answer was made from. */
export function recordSource(state: LaneState, input: RecordInput, part = 0, parts = 1): Source {
  const { topic } = input;
  const place = { topic, epoch: state.positions[topic].epoch, partition: state.heads.lane, offset: String(input.offset) };
  const mac = state.rules >= 2 ? { mac: placeMac(input.inputKey, place) } : {};
  return { kind: 'record', ...place, part, parts, ...mac };
}
