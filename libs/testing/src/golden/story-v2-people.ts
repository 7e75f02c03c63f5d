/** What approvers and the incident desk do in the second golden story. */
import { type Bundle, formatTime, type FreezeLevel, type FreezeScope } from '#domain';

import type { ActingLane } from './acting-lane.ts';

const MINUTE_MS = 60_000;

/** Escalations, and how each of them ends that needs neither a freeze nor an erasure; `second` comes into force meanwhile. */
export function approvals(lane: ActingLane, second: Bundle): void {
  const one = lane.ask('one');
  for (const by of ['bot', 'Eve']) lane.vote(one, by);
  lane.vote(one, 'ana', { bindingDigest: 'ab'.repeat(32) });
  lane.report(lane.claim(lane.vote(one, 'ana'), 'one'), 'result', 'succeeded');

  const board = lane.change('board', { amount: 1000 });
  for (const by of ['ana', 'Ana']) lane.vote(board, by);
  const both = lane.claim(lane.vote(board, 'ben'), 'board');
  lane.report(both, 'result', 'succeeded');
  lane.report(both, 'healthcheck', 'succeeded');

  lane.vote(lane.ask('no'), 'ana', { vote: 'deny' });
  const superseded = lane.ask('superseded');
  lane.activate(second);
  lane.vote(superseded, 'ana');
  lane.ask('unanswered');
  lane.nowMs += 60 * MINUTE_MS;
  lane.tick();
}

const ACME: FreezeScope = { kind: 'tenant', value: 'acme' };
/** Each scope, both levels. */
const FREEZES: readonly [FreezeLevel, FreezeScope][] = [
  ['freeze', { kind: 'all' }],
  ['stop', ACME],
  ['freeze', { kind: 'class', value: 'change' }],
  ['stop', { kind: 'connector', value: 'tool' }],
  ['freeze', { kind: 'agent', value: 'bot' }],
];

/** What is proposed, claimed, approved and reported while a freeze or a stop is in force; one that nobody lifts; and one that nobody may. */
export function freezes(lane: ActingLane): void {
  for (const [level, scope] of FREEZES) {
    const permitted = lane.change(`before-${scope.kind}`);
    lane.freeze(`of-${scope.kind}`, level, scope);
    lane.change(`under-${scope.kind}`);
    lane.claim(permitted, `under-${scope.kind}`);
    lane.lift(`of-${scope.kind}`);
  }
  for (const level of ['freeze', 'stop'] as const) {
    const effect = lane.claim(lane.change(`broken-${level}`), `broken-${level}`);
    lane.report(effect, 'result', 'succeeded');
    const asked = lane.ask(`asked-${level}`);
    lane.freeze(`over-${level}`, level, ACME);
    lane.vote(asked, 'ana');
    lane.report(effect, 'healthcheck', 'failed');
    lane.report(effect, 'rollback', 'failed');
    lane.lift(`over-${level}`);
  }
  lane.freeze('for-a-while', 'freeze', { kind: 'agent', value: 'bot-2' }, { until: formatTime(lane.nowMs + MINUTE_MS) });
  lane.lift('for-a-while', 'Ana');
  lane.propose('for-a-while', { actor: { kind: 'agent', id: 'bot-2' } });
  lane.nowMs += MINUTE_MS;
  lane.propose('after-a-while', { actor: { kind: 'agent', id: 'bot-2' } });
}

/** An action with all that came of it; one that was repeated; one that people were asked about, and that somebody may not answer. */
export function erasures(lane: ActingLane): void {
  const gone = lane.claim(lane.change('gone'), 'gone');
  lane.report(gone, 'result', 'succeeded');
  for (let times = 0; times < 2; times++) lane.propose('twice');
  lane.vote(lane.ask('waits'), 'bot');
  for (const action of ['gone', 'twice', 'waits']) {
    const indexes = lane.entries.filter(({ actionId }) => actionId === action).map(({ statement }) => statement.predicate.index);
    lane.control('input.erased', 'acme', { action, indexes, why: 'asked by the customer' });
  }
  lane.propose('twice');
}
