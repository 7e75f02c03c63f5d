import { describe, expect, it } from 'vitest';

import { ENTRY_KINDS } from '../ledger/entry.ts';
import { sentencesOf, toldKinds } from './words.ts';

const TIME = '2026-11-25T12:00:00.000Z';
const FROM = '2026-11-25T11:45:00.000Z';
const claim = { decision: '4', claim: 'c-1', executor: 'runner' };

/** Kind, members as its entry has them, and all that is said of them. */
const TOLD: readonly (readonly [kind: string, members: object, sentences: readonly string[]])[] = [
  ['genesis', { vkey: 'log+1+k' }, ['This log begins.', 'Its key is log+1+k.']],
  ['tenant.registered', { registers: 'acme' }, ['Tenant acme was registered.']],
  ['issuer.registered', { issuer: 'builds', type: 'ci' }, ['Issuer builds was registered as ci.']],
  [
    'issuer.registered',
    {
      issuer: 'platform',
      type: 'platform',
      actors: [
        { kind: 'agent', id: 'bot', actingFor: ['ana', '*'] },
        { kind: 'person', id: '*' },
      ],
    },
    ['Issuer platform was registered as platform.', 'It may propose for: agent bot for ana or anybody, person of any id.'],
  ],
  ['issuer.revoked', { issuer: 'builds' }, ['Issuer builds was revoked: nothing that it signs is believed from here on.']],
  ['genesis', { vkey: 'log+1+k', continues: { origin: 'l/t/a' } }, ['This log begins.', 'Its key is log+1+k.', 'It continues l/t/a.']],
  [
    'log.rotated',
    { rotates: 'acme', logId: 'cc', vkey: 'log+2+k' },
    ['The log of acme ends here, and log cc goes on: its key is log+2+k.'],
  ],
  ['log.closed', { successor: 'l/t/cc' }, ['This log ends here: nothing that its key signs beyond it counts. l/t/cc goes on.']],
  [
    'key.rotated',
    { role: 'admin', key: { keyid: 'cd' }, replaces: 'ab', signedBy: 'recovery' },
    ['The admin key of the ledger is cd from here on, in place of ab; the recovery key signed it.'],
  ],
  ['key.added', { issuer: 'builds', key: { keyid: 'ab' } }, ['Issuer builds may sign with one more key: ab.']],
  [
    'key.revoked',
    { issuer: 'builds', revokes: 'ab' },
    ['Key ab of issuer builds was revoked: nothing that it signs is believed from here on.'],
  ],
  ['token.issued', { token: 't-1', validUntil: TIME }, [`Token t-1 was issued, valid until ${TIME}.`]],
  ['token.revoked', { token: 't-1' }, ['Token t-1 was revoked.']],
  ['bundle.activated', { bundleName: 'standard', activated: 'ab' }, ['Bundle standard is in force from here on: ab.']],
  [
    'action.decided',
    {
      ...{ issuer: 'platform', verdict: 'ESCALATE', exceeded: ['refunds'], counted: ['refunds', 'actions'] },
      conditions: { evidence: [{ type: 'ci', issuer: 'builds' }], until: TIME, windows: [['office', 'night'], ['hours']] },
    },
    [
      'platform signed it; nothing else of it is on the ledger.',
      'It would go over the cumulative limits refunds.',
      'It counts towards the cumulative limits refunds, actions.',
      `It rests on evidence: ci of builds; that counts until ${TIME}.`,
      'It needs an open window: office or night, hours.',
    ],
  ],
  [
    'action.decided',
    {
      ...{ actor: { kind: 'agent', id: 'bot' }, issuer: 'platform', class: 'deployment.change', operation: 'deploy', connector: 'ci' },
      ...{ resource: { type: 'service', id: 'shop' }, verdict: 'ALLOW' },
      permit: { executors: ['runner', 'spare'], executeBy: TIME, obligations: ['healthcheck'], rollback: 'back', revert: 'inverse' },
      ...{ incident: 'inc-1', decidedAt: FROM },
    },
    [
      'agent bot asked for deploy through connector ci on service shop, class deployment.change; platform signed it.',
      'Incident inc-1 was open about its target, as a registered desk signed.',
      `It may be claimed once, by runner, spare, not before ${FROM}, until ${TIME}.`,
      'Owed afterwards: healthcheck.',
      'The way back that comes with it: back.',
      'What undoes it: an inverse operation.',
    ],
  ],
  [
    'action.decided',
    {
      actor: { kind: 'person', id: 'ana', listedAs: '*' },
      ...{ issuer: 'gateway', token: 't-1' },
      class: 'note',
      operation: 'write',
      approvalDeadline: TIME,
      grants: { rollback: 'undo', revert: 'none' },
    },
    [
      'person ana asked for write, class note; gateway for t-1 signed it.',
      'Its credential may say any id of this kind, so nothing vouches for this one.',
      `It waits for people until ${TIME}; without an answer by then it ends without a yes.`,
      'The way back that comes with it: undo.',
      'What undoes it: nothing.',
    ],
  ],
  [
    'action.decided',
    { issuer: 'platform', verdict: 'DENY', detail: 'conflict', first: '3', freeze: 'f-1' },
    [
      'platform signed it; nothing else of it is on the ledger.',
      'Detail: conflict.',
      'Its id was used before, at index 3.',
      'Freeze f-1 was in force.',
    ],
  ],
  [
    'action.decided',
    { issuer: 'platform', verdict: 'WOULD_DENY' },
    ['platform signed it; nothing else of it is on the ledger.', 'It was asked in shadow mode, so nothing was permitted.'],
  ],
  ['action.repeated', { issuer: 'platform', first: '3' }, ['platform sent the same proposal again: the decision at index 3 stands.']],
  [
    'escalation.settled',
    { settles: '4', outcome: 'EXPIRED_NO_DECISION', deadline: TIME },
    ['The escalation at index 4 is settled: EXPIRED_NO_DECISION.', `People had until ${TIME}.`],
  ],
  [
    'escalation.settled',
    {
      ...{ settles: '4', outcome: 'ALLOW_APPROVED', deadline: TIME, freeze: 'f-1', decidedAt: FROM },
      permit: { executors: ['runner'], executeBy: TIME },
    },
    [
      'The escalation at index 4 is settled: ALLOW_APPROVED.',
      `People had until ${TIME}.`,
      'Freeze f-1 was in force.',
      `It may be claimed once, by runner, not before ${FROM}, until ${TIME}.`,
    ],
  ],
  ['approval.recorded', { by: 'ana', decision: '4', vote: 'approve' }, ['ana answered the question at index 4: approve.']],
  [
    'claim.granted',
    { ...claim, operation: 'deploy', connector: 'ci', resultBy: TIME },
    [
      'Executor runner claimed the decision at index 4 with claim c-1, and may act, once.',
      'What it may do: deploy through connector ci.',
      `A result is due by ${TIME}.`,
    ],
  ],
  [
    'claim.refused',
    { ...claim, first: '5', freeze: 'f-1' },
    ['Executor runner may not act with claim c-1 on the decision at index 4.', 'See index 5.', 'Freeze f-1 was in force.'],
  ],
  [
    'outcome.recorded',
    {
      ...claim,
      ...{ outcome: 'result', status: 'succeeded', before: 'aa', after: 'bb', late: true, detail: 'as planned', awaits: 'healthcheck' },
      ...{ revert: 'snapshot', until: TIME, evidence: [{ type: 'row', digest: 'cc' }, 7, { type: 'log' }] },
    },
    [
      'Executor runner reported on claim c-1: result succeeded.',
      'The report came late: until then nobody knew whether it had happened.',
      'State before: aa.',
      'State after: bb.',
      'What undoes it: a snapshot that the connector keeps.',
      'Evidence: row cc.',
      'Detail: as planned.',
      `Still owed: healthcheck, by ${TIME}.`,
    ],
  ],
  ['effect.closed', { ...claim, by: 'ana' }, ['ana looked at it and closed it: no report is awaited any more.']],
  [
    'effect.uncertain',
    { ...claim, awaited: 'result', deadline: TIME },
    ['Executor runner did not report a result on claim c-1 in time: how it stands is not known.', `It was due by ${TIME}.`],
  ],
  [
    'effect.uncertain',
    { ...claim, awaited: 'result', deadline: TIME, cause: 'EXECUTOR_REVOKED' },
    [
      'Executor runner was revoked before it reported a result on claim c-1: how it stands is not known, and no report of it will be believed.',
    ],
  ],
  [
    'rollback.granted',
    { ...claim, operation: 'revert', resultBy: TIME },
    ['The health check failed, so executor runner may go back with revert, on claim c-1.', `Its report is due by ${TIME}.`],
  ],
  [
    'freeze.raised',
    { freeze: 'f-1', level: 'stop', scope: { kind: 'class', value: 'note' }, by: 'ana', until: TIME },
    ['ana raised f-1 over class note.', 'Level stop: not even an approved way back may be claimed.', `It ends by itself at ${TIME}.`],
  ],
  ['freeze.raised', { freeze: 'f-2', level: 'freeze', scope: { kind: 'all' }, by: 'ana' }, ['ana raised f-2 over all.', 'Level freeze.']],
  ['freeze.lifted', { lifts: 'f-1', by: 'ben' }, ['ben lifted freeze f-1.']],
  [
    'input.erased',
    { erases: ['4', '5'] },
    ['What was sent was erased, at index 4, 5: the receipts still verify, and nobody can decide it again.'],
  ],
  ['input.refused', { code: 'REFUSED_SIZE', detail: 'nesting' }, ['A record was refused; nobody stands behind it.', 'Detail: nesting.']],
  ['input.refused', { issuer: 'admin', detail: 'exists' }, ['A record that admin signed was refused.', 'Detail: exists.']],
  [
    'time.corrected',
    { lane: 0, laneTime: '2026-12-01T12:00:00.000Z' },
    [
      "The lane's time was 2026-12-01T12:00:00.000Z, ahead of the clocks. It is set back to this entry's own.",
      'What was signed before it is over.',
    ],
  ],
  ['input.gap', { topic: 'actions', from: '3', to: '6' }, ['Records 3 up to 6 of actions were declared lost.']],
];

describe('what an entry says', () => {
  it('is told for every kind that this version reads', () => {
    expect(toldKinds()).toEqual(expect.arrayContaining([...ENTRY_KINDS]));
    expect(new Set(TOLD.map(([kind]) => kind))).toEqual(new Set(toldKinds()));
  });

  it.each(TOLD)('%s %#', (kind, members, sentences) => {
    expect(sentencesOf(kind, members)).toEqual(sentences);
  });

  it.each(TOLD)('of a member that is missing or of another type says nothing about it: %s %#', (kind, members) => {
    for (const name of Object.keys(members)) {
      for (const wrong of [undefined, null, 7, {}, [], ['']]) {
        const said = sentencesOf(kind, { ...members, [name]: wrong }).join('\n');
        expect(said, name).not.toMatch(/undefined|null|\[object|, \.|: \.| {2}/);
      }
    }
  });

  it('of a kind that came later is that it cannot be told', () => {
    expect(sentencesOf('view.exported', {})).toEqual(['An entry of kind view.exported, which this version cannot tell.']);
  });

  it('holds nothing that moves the cursor or turns the reading order around', () => {
    const [said] = sentencesOf('freeze.lifted', { by: 'ben\u001b[2J\u202e', lifts: 'f-1' });
    expect(said).toBe('ben\uFFFD[2J\uFFFD lifted freeze f-1.');
  });
});
