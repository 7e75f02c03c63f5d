import { describe, expect, it } from 'vitest';

import { attest, checkLane, FakeEngine, laneBundle, MemoryLane, testDocument } from '#testing';

import { formatTime } from '../formats/time.ts';
import type { Entry } from '../ledger/entry.ts';
import { ISSUERS_PER_TENANT_MAX, TOKENS_KNOWN_PER_TENANT_MAX, TOKENS_PER_TENANT_MAX } from './controls.ts';
import { OPEN_ESCALATIONS_PER_ACTOR_MAX } from './proposal.ts';
import { encodeState } from './snapshot.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const HIGH = { resource: { type: 'thing', id: 'high' } };

function told([entry]: readonly Entry[]): string {
  const { verdict, reasons, detail, code } = (entry?.statement.predicate ?? {}) as unknown as Record<string, string | undefined> & {
    reasons?: string[];
  };
  return [verdict ?? code ?? entry?.kind, reasons?.join(), detail].filter((word) => word !== undefined).join(' ');
}
const toldAll = (entries: readonly Entry[]) =>
  entries.map(({ kind, actionId, statement: { predicate } }) =>
    [kind, actionId, (predicate['outcome'] ?? predicate['cause'] ?? '') as string].join(' '),
  );
const actorOf = ([entry]: readonly Entry[]) => entry?.statement.predicate['actor'];

/** A lane of which `speaker` may say what `actors` lists, and nothing else; `runner` may act. */
function withList(actors: readonly object[] | undefined): { lane: MemoryLane; say: (actor: object, body?: object) => Entry[] } {
  const lane = MemoryLane.ready();
  lane.registerIssuer('acme', 'speaker', 'platform', { actors });
  lane.registerIssuer('acme', 'runner', 'executor');
  let said = 0;
  return { lane, say: (actor, body = {}) => lane.propose(`a-${said++}`, { actor, ...body }, { issuer: 'speaker' }) };
}

/** The same for a token of the gateway. */
function withToken(more: object = {}): { lane: MemoryLane; say: (body?: object, id?: string) => Entry[] } {
  const lane = MemoryLane.ready(['acme', 'globex']);
  lane.registerIssuer('acme', 'runner', 'executor');
  lane.issueToken('acme', 'token-1', more);
  let said = 0;
  return { lane, say: (body = {}, id = `a-${said++}`) => lane.propose(id, { token: 'token-1', ...body }, { issuer: 'gateway' }) };
}

function claim(lane: MemoryLane, entry: Entry | undefined, id = 'c-1'): Entry[] {
  if (!entry) throw new Error('nothing to claim');
  const body = { decision: entry.statement.predicate.index, receipt: lane.receiptOf(entry) };
  return lane.when('outcomes', lane.sign({ kind: 'claim.requested', tenant: 'acme', issuer: 'runner', id, body }));
}

function vote(lane: MemoryLane, asked: Entry | undefined, by: string): Entry[] {
  if (!asked) throw new Error('nothing to vote on');
  const { index, bindingDigest } = asked.statement.predicate;
  return lane.control('approval.recorded', 'acme', { decision: index, bindingDigest, vote: 'approve', by });
}

async function expectSound(lane: MemoryLane): Promise<void> {
  const live = encodeState(lane.state);
  expect(encodeState(lane.restart(lane.snapshot()).state)).toEqual(live);
  expect(encodeState(lane.restart().state)).toEqual(live);
  const checked = await checkLane(lane, new FakeEngine(), attest(lane, lane.parties.keys));
  expect(checked.invariants.filter(({ status }) => status !== 'holds')).toEqual([]);
}

describe('a platform', () => {
  const BOT = { kind: 'agent', id: 'bot' };
  const HELPER = { kind: 'agent', id: 'helper', actingFor: ['ana', 'ben'] };

  it.each([
    ['a listed actor', BOT, 'ALLOW ALLOW_POLICY'],
    ['another kind', { kind: 'person', id: 'bot' }, 'DENY DENY_ACTOR actor'],
    ['another id', { kind: 'agent', id: 'bot-2' }, 'DENY DENY_ACTOR actor'],
    ['another spelling', { kind: 'agent', id: 'Bot' }, 'DENY DENY_ACTOR actor'],
    ['somebody for whom a listed actor does not act', { ...BOT, actingFor: 'ana' }, 'DENY DENY_ACTOR acting-for'],
    ['one of those for whom it acts', { ...HELPER, actingFor: 'ben' }, 'ALLOW ALLOW_POLICY'],
    ['another person', { ...HELPER, actingFor: 'eve' }, 'DENY DENY_ACTOR acting-for'],
    ['another spelling of a person', { ...HELPER, actingFor: 'Ana' }, 'DENY DENY_ACTOR acting-for'],
    ['nobody for whom it acts, where its list names people', { kind: 'agent', id: 'helper' }, 'DENY DENY_ACTOR acting-for'],
  ])('that says %s is told so', (_, actor, expected) => {
    expect(told(withList([BOT, HELPER]).say(actor))).toBe(expected);
  });

  it('without a list may say nothing', () => {
    for (const actors of [undefined, []]) expect(told(withList(actors).say(BOT))).toBe('DENY DENY_ACTOR actor');
  });

  it('with a * says any id of its kind that has no rule of its own, and the entry says that the list does not name it', () => {
    const { say } = withList([BOT, HELPER, { kind: 'agent', id: '*' }]);
    expect(actorOf(say({ kind: 'agent', id: 'another' }))).toEqual({ kind: 'agent', id: 'another', listedAs: '*' });
    expect(actorOf(say(BOT))).toEqual(BOT);
    expect(told(say({ kind: 'person', id: 'another' }))).toBe('DENY DENY_ACTOR actor');
    // The rule of its own holds: leaving out for whom it acts does not choose the looser one.
    expect(told(say({ kind: 'agent', id: 'helper' }))).toBe('DENY DENY_ACTOR acting-for');
  });

  it('with a * of people must still name one', () => {
    const { say } = withList([{ kind: 'agent', id: 'bot', actingFor: ['*'] }]);
    expect(told(say(BOT))).toBe('DENY DENY_ACTOR acting-for');
    expect(told(say({ ...BOT, actingFor: 'anybody' }))).toBe('ALLOW ALLOW_POLICY');
  });

  it('cannot let ana approve her own action by leaving out that it acts for her', async () => {
    const { lane, say } = withList([HELPER]);
    expect(told(say({ kind: 'agent', id: 'helper' }, HIGH))).toBe('DENY DENY_ACTOR acting-for');
    const [asked] = say({ ...HELPER, actingFor: 'ana' }, HIGH);
    expect(told(vote(lane, asked, 'ana'))).toBe('REFUSED_BODY own-action');
    await expectSound(lane);
  });

  it('that may say any id has one limit of open questions for all of them', async () => {
    const { lane, say } = withList([{ kind: 'agent', id: '*' }, BOT]);
    for (let at = 0; at < OPEN_ESCALATIONS_PER_ACTOR_MAX; at++) {
      expect(told(say({ kind: 'agent', id: `agent-${at}` }, HIGH))).toBe('ESCALATE ESCALATE_APPROVAL_REQUIRED');
    }
    expect(told(say({ kind: 'agent', id: 'one-more' }, HIGH))).toBe('DENY DENY_LIMIT');
    expect(told(say(BOT, HIGH))).toBe('ESCALATE ESCALATE_APPROVAL_REQUIRED');
    expect(told(lane.propose('of-another', HIGH))).toBe('ESCALATE ESCALATE_APPROVAL_REQUIRED');
    await expectSound(lane);
  });

  it('that may say any id has one cumulative limit of an actor for all of them, as a replay finds it', async () => {
    const { lane, say } = withList([{ kind: 'agent', id: '*' }, BOT]);
    const limits = { each: { classes: ['note'], windowSeconds: 3600, of: 'count', per: 'actor', max: 2, over: 'deny' } };
    lane.activate(laneBundle({ format: 2, limits }));
    const told3 = ['one', 'two', 'three'].map((id) => told(say({ kind: 'agent', id })));
    expect(told3).toEqual(['ALLOW ALLOW_POLICY', 'ALLOW ALLOW_POLICY', 'DENY DENY_CUMULATIVE']);
    expect(told(say(BOT))).toBe('ALLOW ALLOW_POLICY');
    await expectSound(lane);
    expect(told(say({ kind: 'agent', id: 'four' }))).toBe('DENY DENY_CUMULATIVE');
  });

  it('that may say any id does not escape a freeze of an agent under another id, nor does what it was permitted before', async () => {
    const { lane, say } = withList([{ kind: 'agent', id: '*' }, BOT]);
    const [[before], [listed]] = [say({ kind: 'agent', id: 'planner' }), say(BOT)];
    lane.control('freeze.raised', '_system', { level: 'freeze', scope: { kind: 'agent', value: 'planner' }, why: 'a drill', by: 'ana' });
    for (const id of ['planner', 'planner-2']) expect(told(say({ kind: 'agent', id }))).toBe('DENY DENY_FROZEN');
    expect(told(say(BOT))).toBe('ALLOW ALLOW_POLICY');
    expect(told(claim(lane, before))).toBe('claim.refused CLAIM_FROZEN');
    expect(told(claim(lane, listed, 'c-2'))).toBe('claim.granted');
    await expectSound(lane);
  });
});

describe('credentials that are over', () => {
  it('take no room from live ones: tokens past their end or revoked, and issuers that were revoked', () => {
    const lane = MemoryLane.ready();
    const facts = lane.state.tenants.get('acme');
    if (!facts) throw new Error('no tenant');
    const many = (count: number, change: object): void => {
      const token = { roles: ['propose'] as const, actors: [], validUntilMs: lane.nowMs + HOUR_MS, revoked: false };
      for (let at = 0; at < count; at++) facts.tokens.set(`t-${facts.tokens.size}`, { id: `t-${facts.tokens.size}`, ...token, ...change });
    };
    many(TOKENS_KNOWN_PER_TENANT_MAX, { validUntilMs: lane.nowMs });
    expect(told(lane.issueToken('acme', 'a'))).toBe('token.issued');
    expect(facts.tokens.size).toBe(1);
    many(TOKENS_PER_TENANT_MAX - 2, {});
    many(100, { revoked: true });
    expect(told(lane.issueToken('acme', 'b'))).toBe('token.issued');
    expect(told(lane.issueToken('acme', 'c'))).toBe('REFUSED_BODY limit');
    lane.nowMs += HOUR_MS;
    expect(told(lane.issueToken('acme', 'd'))).toBe('token.issued');
    expect([...facts.tokens.keys()]).toEqual(['a', 'b', 'd']);
    for (let at = 0; at < ISSUERS_PER_TENANT_MAX; at++)
      facts.issuers.set(`gone-${at}`, {
        id: `gone-${at}`,
        type: 'platform',
        keys: new Map(),
        revokedKeys: new Set(),
        agents: undefined,
        actors: [],
        revoked: true,
      });
    expect(told(lane.registerIssuer('acme', 'another', 'platform'))).toBe('issuer.registered');
  });

  it('a token past its end is another one when its name is given again, and what the first one asked for is over', async () => {
    const { lane, say } = withToken({ validUntil: formatTime(MemoryLane.ready(['acme', 'globex']).nowMs + 2 * MINUTE_MS) });
    const [asked, allowed] = [say(HIGH)[0], say()[0]];
    expect(told(lane.issueToken('acme', 'token-1'))).toBe('REFUSED_BODY exists');
    lane.nowMs += 2 * MINUTE_MS;
    expect(told(say({}, 'late'))).toBe('DENY DENY_TOKEN expired');
    expect(told(lane.issueToken('acme', 'token-1'))).toBe('token.issued');
    expect(told(claim(lane, allowed))).toBe('claim.refused CLAIM_EXPIRED');
    expect(told(vote(lane, asked, 'ben'))).toContain('not-open');
    expect(told(say({}, 'now'))).toBe('ALLOW ALLOW_POLICY');
    await expectSound(lane);
  });
});

describe('a token that was revoked', () => {
  it('is forgotten a day later, however long it would be valid: no permit that it asked for can be claimed then', async () => {
    const lane = MemoryLane.ready([], {});
    lane.registerTenant('acme');
    lane.registerIssuer('acme', 'runner', 'executor');
    const { classes } = testDocument();
    lane.activate(laneBundle({ classes: { ...classes, note: { ...classes.note, executeWithinSeconds: 86_400 } } }));
    const validUntil = '9999-12-31T23:59:59.999Z';
    const issue = () => told(lane.issueToken('acme', 'token-1', { validUntil }));
    expect(issue()).toBe('token.issued');
    const [allowed] = lane.propose('a-1', { token: 'token-1' }, { issuer: 'gateway' });
    lane.control('token.revoked', 'acme', { revokes: 'token-1' });
    lane.nowMs += 24 * HOUR_MS - 1;
    expect(issue()).toBe('REFUSED_BODY exists');
    expect(told(claim(lane, allowed, 'c-1'))).toBe('claim.refused CLAIM_REVOKED');
    lane.nowMs += 1;
    expect(issue()).toBe('token.issued');
    expect(told(claim(lane, allowed, 'c-2'))).toBe('claim.refused CLAIM_EXPIRED');
    await expectSound(lane);
  });

  it('takes room for a day: a tenant that has issued and revoked tokens for long has as much room as a new one', () => {
    const lane = MemoryLane.ready();
    const { tokens } = lane.state.tenants.get('acme') ?? { tokens: new Map<string, unknown>() };
    const validUntil = '9999-12-31T23:59:59.999Z';
    for (let day = 0; day < 30; day++) {
      lane.issueToken('acme', `token-${day}`, { validUntil });
      lane.control('token.revoked', 'acme', { revokes: `token-${day}` });
      lane.nowMs += 24 * HOUR_MS;
    }
    expect(told(lane.issueToken('acme', 'another', { validUntil }))).toBe('token.issued');
    expect(tokens.size).toBe(1);
  });
});

describe('a token of the gateway', () => {
  it('is named in the payload and in the entry, whatever comes of it', async () => {
    const { lane, say } = withToken();
    const entries = [say({}, 'a'), say({}, 'a'), say(HIGH, 'a'), say({ surprise: 1 }, 'b'), say({ class: 'none' }, 'c')].flat();
    expect(entries.map(({ statement: { predicate } }) => predicate['token'])).toEqual(Array(5).fill('token-1'));
    expect(entries.map(({ kind }) => kind)).toContain('action.repeated');
    await expectSound(lane);
  });

  it('that is not named is malformed, and so is one that a platform names', () => {
    const { lane, say } = withToken();
    expect(told(say({ token: undefined }))).toBe('DENY DENY_MALFORMED token');
    expect(told(lane.propose('a', { token: 'token-1' }))).toBe('DENY DENY_MALFORMED token');
  });

  it('that the ledger does not know, also of another tenant, says nothing, whoever holds the key of the gateway', () => {
    const { lane, say } = withToken();
    lane.issueToken('globex', 'token-of-globex');
    for (const token of ['made-up', 'token-of-globex']) expect(told(say({ token }))).toBe('DENY DENY_TOKEN unknown');
  });

  it('says no more than its roles and its list, until it ends in lane time, or is revoked', async () => {
    expect(told(withToken({ roles: ['read'], actors: undefined }).say())).toBe('DENY DENY_TOKEN role');
    expect(told(withToken({ actors: undefined }).say())).toBe('DENY DENY_ACTOR actor');
    const { lane, say } = withToken({ actors: [{ kind: 'agent', id: 'bot' }], validUntil: '2026-11-25T12:10:00.000Z' });
    expect(told(say({ actor: { kind: 'agent', id: 'bot-2' } }))).toBe('DENY DENY_ACTOR actor');
    lane.nowMs += 10 * MINUTE_MS - 1;
    expect(told(say())).toBe('ALLOW ALLOW_POLICY');
    lane.nowMs += 1;
    expect(told(say())).toBe('DENY DENY_TOKEN expired');
    lane.control('token.revoked', 'acme', { revokes: 'token-1' });
    expect(told(say())).toBe('DENY DENY_TOKEN revoked');
    await expectSound(lane);
  });

  it('gives its questions and permits no longer life than its own', async () => {
    const { lane, say } = withToken({ validUntil: '2026-11-25T12:02:00.000Z' });
    const [[allowed], [asked], [late]] = [say(), say(HIGH), say(HIGH)];
    expect(allowed?.statement.predicate['permit']).toMatchObject({ executeBy: '2026-11-25T12:02:00.000Z' });
    expect(asked?.statement.predicate['approvalDeadline']).toBe('2026-11-25T12:02:00.000Z');
    lane.nowMs += MINUTE_MS;
    expect(vote(lane, asked, 'ana').at(-1)?.statement.predicate['permit']).toMatchObject({ executeBy: '2026-11-25T12:02:00.000Z' });
    lane.nowMs += MINUTE_MS;
    expect(told(vote(lane, late, 'ana'))).toBe('REFUSED_BODY not-open');
    expect(told(claim(lane, allowed))).toBe('claim.refused CLAIM_EXPIRED');
    await expectSound(lane);
  });

  it('that is another one, for the same action, repeats it: the token is who asks, not what is asked', () => {
    const { lane, say } = withToken();
    say({}, 'a');
    lane.issueToken('acme', 'token-2');
    expect(told(say({ token: 'token-2' }, 'a'))).toBe('action.repeated');
  });
});

describe('a revocation', () => {
  it('of a token ends what it asked people, at once and after its own entry, and what it was permitted cannot be claimed', async () => {
    const { lane, say } = withToken();
    lane.issueToken('acme', 'token-2');
    const [[claimed], [permitted], [one], [two], [other]] = [
      say(),
      say(),
      say(HIGH, 'q1'),
      say(HIGH, 'q2'),
      say({ ...HIGH, token: 'token-2' }),
    ];
    expect(told(claim(lane, claimed))).toBe('claim.granted');
    const reach = lane.control('token.revoked', 'acme', { revokes: 'token-1' });
    expect(toldAll(reach)).toEqual([
      'token.revoked  ',
      'escalation.settled q1 CANCELLED_REVOKED',
      'escalation.settled q2 CANCELLED_REVOKED',
    ]);
    expect(reach[1]?.statement.predicate).toMatchObject({ settles: one?.statement.predicate.index, token: 'token-1' });
    for (const asked of [one, two]) expect(told(vote(lane, asked, 'ana'))).toBe('REFUSED_BODY not-open');
    expect(told(claim(lane, permitted, 'c-2'))).toBe('claim.refused CLAIM_REVOKED');
    const approved = vote(lane, other, 'ana').at(-1);
    expect(told(claim(lane, approved, 'c-3'))).toBe('claim.granted');
    // What was claimed before is under way, and its report is heard.
    expect(told(report(lane, claimed, 'c-1'))).toBe('outcome.recorded');
    await expectSound(lane);
  });

  it('of a token reaches what people had approved, until it is claimed', () => {
    const { lane, say } = withToken();
    const approved = vote(lane, say(HIGH)[0], 'ana').at(-1);
    expect(approved?.statement.predicate).toMatchObject({ outcome: 'ALLOW_APPROVED', token: 'token-1' });
    lane.control('token.revoked', 'acme', { revokes: 'token-1' });
    expect(told(claim(lane, approved))).toBe('claim.refused CLAIM_REVOKED');
  });

  it('of a platform reaches the same, of one tenant only', async () => {
    const { lane, say } = withList([{ kind: 'agent', id: 'bot' }]);
    lane.registerTenant('globex');
    lane.registerIssuer('globex', 'speaker', 'platform');
    lane.propose('of-globex', HIGH, { tenant: 'globex', issuer: 'speaker' });
    const [[permitted], [asked]] = [say({ kind: 'agent', id: 'bot' }), say({ kind: 'agent', id: 'bot' }, HIGH)];
    const reach = lane.control('issuer.revoked', 'acme', { revokes: 'speaker' });
    expect(toldAll(reach)).toEqual(['issuer.revoked  ', `escalation.settled ${asked?.actionId} CANCELLED_REVOKED`]);
    expect(lane.state.due.open.map(({ tenant }) => tenant)).toEqual(['globex']);
    expect(told(claim(lane, permitted))).toBe('claim.refused CLAIM_REVOKED');
    await expectSound(lane);
  });

  it('of an executor makes what it claimed uncertain at once; no report of it is believed, and no claim', async () => {
    const { lane } = withList([]);
    const [one, two, three] = ['a', 'b', 'c'].flatMap((id) => lane.propose(id));
    claim(lane, one, 'c-1');
    claim(lane, two, 'c-2');
    report(lane, two, 'c-2');
    const reach = lane.control('issuer.revoked', 'acme', { revokes: 'runner' });
    expect(toldAll(reach)).toEqual(['issuer.revoked  ', 'effect.uncertain a EXECUTOR_REVOKED']);
    expect(told(report(lane, one, 'c-1'))).toBe('REFUSED_ISSUER key-not-admitted');
    expect(told(claim(lane, three, 'c-3'))).toBe('REFUSED_ISSUER key-not-admitted');
    lane.nowMs += 60 * MINUTE_MS;
    expect(lane.tick()).toEqual([]); // it is said once
    await expectSound(lane);
  });

  it('of what is revoked already, or was never there, is refused', () => {
    const { lane } = withToken();
    lane.control('token.revoked', 'acme', { revokes: 'token-1' });
    expect(told(lane.control('token.revoked', 'acme', { revokes: 'token-1' }))).toBe('REFUSED_BODY unknown-token');
    expect(told(lane.control('token.revoked', 'acme', { revokes: 'token-9' }))).toBe('REFUSED_BODY unknown-token');
  });

  it('under rules 1 reaches nothing at once, and names no token', () => {
    const lane = MemoryLane.ready(['acme'], { rules: 1 });
    const validUntil = formatTime(lane.nowMs + MINUTE_MS);
    lane.control('token.issued', 'acme', { token: 'token-1', tokenHash: 'ab'.repeat(32), roles: ['propose'], validUntil });
    const [asked] = lane.propose('a', HIGH, { issuer: 'gateway' });
    expect(asked?.statement.predicate).not.toHaveProperty('token');
    expect(toldAll(lane.control('token.revoked', 'acme', { revokes: 'token-1' }))).toEqual(['token.revoked  ']);
    expect(vote(lane, asked, 'ana').at(-1)?.statement.predicate['outcome']).toBe('ALLOW_APPROVED');
    const [of] = lane.propose('b', HIGH);
    expect(toldAll(lane.control('issuer.revoked', 'acme', { revokes: 'platform' }))).toEqual(['issuer.revoked  ']);
    expect(vote(lane, of, 'ana').at(-1)?.statement.predicate['outcome']).toBe('DENY_UNKNOWN_ISSUER');
  });
});

function report(lane: MemoryLane, of: Entry | undefined, claimed: string): Entry[] {
  const body = { decision: of?.statement.predicate.index, claim: claimed, kind: 'result', status: 'succeeded' };
  return lane.when('outcomes', lane.sign({ kind: 'outcome.reported', tenant: 'acme', issuer: 'runner', body }));
}
