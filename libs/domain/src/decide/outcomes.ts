/** What came of a claimed effect. Recorded also when late; only the claimant is heard, and only what is awaited. */
import { formatTime } from '../formats/time.ts';
import { parsePayload, type PayloadOf } from '../payloads/parse.ts';
import type { OutcomeKind } from '../payloads/outcomes.ts';
import { refuse, staleness } from './controls.ts';
import { after, draft, recordSource, treeOf, type RecordInput } from './draft.ts';
import { laneNow } from './lane-time.ts';
import { pick } from './members.ts';
import type { OpenEffect } from './open.ts';
import type { CheckedEnvelope } from './envelope-check.ts';
import { freezeFor } from './freeze.ts';
import type { LaneState } from './state.ts';
import type { DecideContext, Decided } from './types.ts';

type Report = PayloadOf<'outcome.reported'>;

/** `outcome.recorded`, and `rollback.granted` after it when a failed health check sets the approved way back free. */
export function decideOutcome(state: LaneState, input: RecordInput, context: DecideContext, checked: CheckedEnvelope): Decided {
  const nowMs = laneNow(state, context.nowMs);
  const stale = staleness(state, checked, nowMs);
  if (stale !== undefined && (stale !== 'repeated' || state.rules >= 2)) return refuse(state, input, context, checked, stale);
  const parsed = parsePayload('outcome.reported', checked.payload, state.rules);
  if (!parsed.ok) return refuse(state, input, context, checked, parsed.detail);
  const report = parsed.value;
  const effect = checked.facts.effects.get(Number(report.decision));
  const fault = faultOf(report, effect, checked.issuer);
  if (!effect || fault !== undefined) return refuse(state, input, context, checked, fault ?? 'no-open-effect');

  const isStopped = freezeFor(state, effect.subject, nowMs)?.level === 'stop';
  const awaits = nextOf(report, effect, isStopped);
  const until = formatTime(nowMs + effect.withinMs);
  const common = { decision: report.decision, claim: effect.claim, executor: effect.executor };
  const members = {
    ...common,
    ...{ keyid: checked.envelope.keyid, outcome: report.kind, status: report.status, late: effect.uncertain },
    ...pick(report, ['before', 'after', 'evidence']),
    ...(effect.revert === null ? {} : { revert: effect.revert }),
    ...(awaits === undefined ? {} : { awaits, until }),
  };
  const { actionId } = effect;
  const parts = awaits === 'rollback' ? 2 : 1;
  const { payloadDigest } = checked;
  const tree = treeOf(state, checked.tree);
  const recorded = draft(state, context, tree, recordSource(state, input, 0, parts), {
    ...{ kind: 'outcome.recorded', actionId, members, payloadDigest, inputForm: 'sealed' },
  });
  if (parts === 1) return { entries: [recorded], facts: {}, deadLetter: false };
  const back = { ...common, operation: effect.rollback, resultBy: until };
  const granted = draft(state, context, after(tree, recorded), recordSource(state, input, 1, parts), {
    ...{ kind: 'rollback.granted', actionId, members: back, payloadDigest, inputForm: 'none' },
  });
  return { entries: [recorded, granted], facts: {}, deadLetter: false };
}

/** In one word. */
function faultOf(report: Report, effect: OpenEffect | undefined, issuer: string): string | undefined {
  if (effect?.claim !== report.claim) return 'no-open-effect';
  if (effect.executor !== issuer) return 'not-the-claimant';
  if (effect.awaits !== report.kind) return 'not-awaited';
  const needsStates = effect.obligations.includes('state-hash') && report.kind !== 'healthcheck' && report.status === 'succeeded';
  return needsStates && (report.before === undefined || report.after === undefined) ? 'state-hash' : undefined;
}

/** What is awaited after this report; undefined: the effect is over. A stop holds back the way back as well, a freeze does not. */
function nextOf({ kind, status }: Report, { obligations, rollback }: OpenEffect, isStopped: boolean): OutcomeKind | undefined {
  if (kind === 'result' && status === 'succeeded' && obligations.includes('healthcheck')) return 'healthcheck';
  return kind === 'healthcheck' && status === 'failed' && rollback !== null && !isStopped ? 'rollback' : undefined;
}
