/** A log's key never changes in place: the log is closed, and another one, with another key, continues it. */
import { originOf } from '../formats/log-key.ts';
import { parseVkey } from '../formats/vkey.ts';
import { allTrees, endOf, newTree, systemTree, type TreeHead } from '../ledger/heads.ts';
import type { CheckedEnvelope } from './envelope-check.ts';
import { after, draft, recordSource, treeOf, type EntryContent, type RecordInput } from './draft.ts';
import type { LaneState, LedgerBirth } from './state.ts';
import type { DecideContext, Decided } from './types.ts';

/** Body of a `log.rotated`: the log that goes on, drawn where the new ledger seed is. */
export interface NamedLog {
  readonly rotates: string;
  readonly lane: number;
  readonly logId: string;
  readonly vkey: string;
}
type Members = Readonly<Record<string, unknown>>;
interface Rotation {
  readonly input: RecordInput;
  readonly context: DecideContext;
  readonly checked: CheckedEnvelope;
  /** Of the entry of the control itself. */
  readonly members: Members;
  /** Of any genesis on the lane from here on. */
  readonly genesis: Members;
}

/** Why a tenant's log, or the lane's own, cannot be succeeded by this one, in one word; else the tree that it opens. */
export function successorOf(state: LaneState, birth: LedgerBirth, { rotates, lane, logId, vkey }: NamedLog): TreeHead | string {
  if (lane !== state.heads.lane) return 'lane';
  if (!state.heads.trees.has(rotates)) return 'unknown-tenant';
  const origin = originOf(state.heads.ledger, logId);
  if ([...allTrees(state.heads), ...birth.systemLogs].some((log) => log.origin === origin)) return 'log-id-in-use';
  if (!isVkeyOf(vkey, origin)) return 'vkey';
  return hasOpenWork(state, rotates) ? 'open-work' : newTree(rotates, origin, vkey);
}

/** Three parts: `log.rotated` in the lane's tree, `log.closed` as the last of the old one, the genesis of the new one, which cites that end. */
export function rotateLog(state: LaneState, next: TreeHead, { input, context, checked, members, genesis }: Rotation): Decided {
  const source = (part: number) => recordSource(state, input, part, 3);
  const system = treeOf(state, systemTree(state.heads.lane));
  const { payloadDigest } = checked;
  const rotated = draft(state, context, system, source(0), { kind: 'log.rotated', members, payloadDigest, inputForm: 'plain' });
  const old = next.tenant === system.tenant ? after(system, rotated) : treeOf(state, next.tenant);
  const said = (kind: EntryContent['kind'], of: Members): EntryContent => ({ kind, members: of, payloadDigest, inputForm: 'none' });
  const closed = draft(state, context, old, source(1), said('log.closed', { successor: next.origin }));
  const continues = { origin: old.origin, checkpoint: endOf(after(old, closed)) };
  const opened = draft(state, context, next, source(2), said('genesis', { ...genesis, vkey: next.vkey, continues }));
  return { entries: [rotated, closed, opened], facts: {}, deadLetter: false };
}

/** What waits for people, or for an executor's report, names its decision by its place in the log: it ends before the log does. */
function hasOpenWork({ due, tenants }: LaneState, tenant: string): boolean {
  return due.open.some((open) => open.tenant === tenant) || (tenants.get(tenant)?.effects.size ?? 0) > 0;
}

export function isVkeyOf(vkey: string, origin: string): boolean {
  try {
    return parseVkey(vkey).name === origin;
  } catch {
    return false;
  }
}
