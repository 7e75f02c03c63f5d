import { isTenantId } from '../formats/ids.ts';
import { formatTime } from '../formats/time.ts';
import { bytesMac } from '../payloads/digests.ts';
import type { Entry } from '../ledger/entry.ts';
import { systemTree } from '../ledger/heads.ts';
import { decideControl, refuse } from './controls.ts';
import { draft, recordSource, treeOf, type EntryContent, type RecordInput } from './draft.ts';
import { laneNow, refusedByTime } from './lane-time.ts';
import { decideClaim } from './claims.ts';
import { firstDue } from './due.ts';
import { checkEnvelope, type RefusalCode } from './envelope-check.ts';
import { decideOutcome } from './outcomes.ts';
import { decideProposal } from './proposal.ts';
import { settlement } from './settlement.ts';
import type { LaneState } from './state.ts';
import { LaneHalted, type DecideContext, type Decided, type Input } from './types.ts';

/**
 * Total: whatever comes, at least one entry goes out; nothing but LaneHalted is thrown. Deterministic: the same state, input, time and
 * engine give the same bytes, on every machine and in every replay.
 */
export function decide(state: LaneState, input: Input, context: DecideContext): Decided {
  if (input.kind === 'tick') return settleFirstDue(state, context);
  if (firstDue(state.due, () => laneNow(state, context.nowMs))) {
    throw new LaneHalted('DUE_FIRST', 'something is due: a tick must settle it before any input');
  }
  const { next } = state.positions[input.topic];
  if (input.offset < next) throw new LaneHalted('INPUT_GAP', `${input.topic} offset ${input.offset} came again, expected ${next} or later`);
  const check = checkEnvelope(state, input.topic, input.value, context);
  if (!('ok' in check)) return refuseBytes(state, input, context, check.refused, check.detail);
  if (state.heads.nextSeq === 0 && check.ok.kind !== 'ledger.initialised') {
    throw new LaneHalted('NOT_INITIALISED', `lane ${state.heads.lane}: the first record on controls is ${check.ok.kind}`);
  }
  const { kind } = check.ok;
  const late = refusedByTime(state, check.ok, context.nowMs);
  if (late !== undefined) return refuse(state, input, context, check.ok, late);
  if (kind === 'action.proposed') return decideProposal(state, input, context, check.ok);
  if (kind === 'claim.requested') return decideClaim(state, input, context, check.ok);
  if (kind === 'outcome.reported') return decideOutcome(state, input, context, check.ok);
  return decideControl(state, input, context, check.ok);
}

/** Bytes that no known party stands behind: one constant-size entry in the lane's own tree, the bytes to `dead-letters`. */
function refuseBytes(state: LaneState, input: RecordInput, context: DecideContext, code: RefusalCode, detail: string): Decided {
  if (state.heads.nextSeq === 0) {
    throw new LaneHalted('NOT_INITIALISED', `lane ${state.heads.lane}: the first record on controls is not this ledger's birth (${code})`);
  }
  const bytes = input.value ?? new Uint8Array();
  const entry = draft(state, context, treeOf(state, systemTree(state.heads.lane)), recordSource(state, input), {
    kind: 'input.refused',
    members: { code, detail, length: bytes.length, bytesMac: bytesMac(input.inputKey, bytes) },
    inputForm: 'none',
    sender: senderOf(bytes, context),
  });
  return { entries: [entry], facts: {}, deadLetter: true };
}

/** Whom a refusal is shown to: the tenant that the bytes name, if they are an envelope at all. Nothing is believed of it. */
function senderOf(bytes: Uint8Array, { wire }: DecideContext): string {
  const named = wire.decodeEnvelope(bytes)?.tenant ?? '';
  return isTenantId(named) ? named : '';
}

/** Time passed: the first open escalation whose deadline is reached ends without a decision, or the first effect becomes uncertain. */
function settleFirstDue(state: LaneState, context: DecideContext): Decided {
  const due = firstDue(state.due, () => laneNow(state, context.nowMs));
  if (!due) return { entries: [], facts: {}, deadLetter: false };
  const entry: Entry = draft(state, context, treeOf(state, due.tenant), { kind: 'tick', part: 0, parts: 1 }, contentOf(due));
  return { entries: [entry], facts: {}, deadLetter: false };
}

function contentOf(due: NonNullable<ReturnType<typeof firstDue>>): EntryContent {
  if (!('claim' in due)) return settlement(due, { outcome: 'EXPIRED_NO_DECISION' });
  const { actionId, index, claim, executor, awaits, deadlineMs } = due;
  const members = { decision: String(index), claim, executor, awaited: awaits, deadline: formatTime(deadlineMs) };
  return { kind: 'effect.uncertain', actionId, members, inputForm: 'none' };
}
