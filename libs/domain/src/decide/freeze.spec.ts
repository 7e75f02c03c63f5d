import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { attest, checkLane, FakeEngine, MemoryLane } from '#testing';

import { formatTime } from '../formats/time.ts';
import type { Entry } from '../ledger/entry.ts';
import { ENDED_FREEZES_MAX, freezeFor, FREEZES_PER_LEVEL_MAX, type Freeze, type FreezeScope } from './freeze.ts';
import { encodeState } from './snapshot.ts';

const seed = process.env['SEED'] === undefined ? Date.now() % 0x7fffffff : Number(process.env['SEED']);
fc.configureGlobal({ seed });
const RULE = `SEED=${seed}`;

const SYSTEM = '_system';
const HOUR_MS = 3_600_000;
const kinds = (entries: readonly Entry[]) => entries.map(({ tenant, kind }) => `${tenant} ${kind}`);
const told = ([entry]: readonly Entry[]) => entry?.statement.predicate as Record<string, unknown> | undefined;
const detail = (entries: readonly Entry[]) => told(entries)?.['detail'];
const said = (entries: readonly Entry[]) => `${String(told(entries)?.['verdict'])} ${String(told(entries)?.['reasons'])}`;

const freeze = (lane: MemoryLane, id: string, body: object = {}) =>
  lane.control('freeze.raised', SYSTEM, { level: 'freeze', scope: { kind: 'all' }, why: 'incident 7', by: 'ana', ...body }, { id });
const lift = (lane: MemoryLane, lifts: string, by = 'ben') => lane.control('freeze.lifted', SYSTEM, { lifts, by, why: 'over' });
const change = { class: 'change', connector: 'tool', operation: 'apply' };
const high = { resource: { type: 'thing', id: 'high' } };

describe('a freeze', () => {
  it('denies everything after it and nothing before it, and cites itself; lifted by another person, all is as it was', () => {
    const lane = MemoryLane.ready();
    expect(said(lane.propose('before'))).toBe('ALLOW ALLOW_POLICY');
    freeze(lane, 'f-1');
    const denied = lane.propose('during');
    expect(said(denied)).toBe('DENY DENY_FROZEN');
    expect(told(denied)).toMatchObject({ freeze: 'f-1', policies: [], class: 'note', actor: { id: 'bot' } });
    expect(told(denied)).not.toHaveProperty('permit');
    expect(said(lane.propose('escalates', high))).toBe('DENY DENY_FROZEN');
    lift(lane, 'f-1');
    expect(said(lane.propose('after'))).toBe('ALLOW ALLOW_POLICY');
    expect(said(lane.propose('during'))).toBe('undefined undefined'); // action.repeated: the first decision stands
  });

  it('goes into the system tree, with its input, and into the tree of each tenant, without; never with the reason why', () => {
    const lane = MemoryLane.ready(['acme', 'globex']);
    const raised = freeze(lane, 'f-1', { until: formatTime(lane.nowMs + HOUR_MS) });
    expect(kinds(raised)).toEqual(['_system.0 freeze.raised', 'acme freeze.raised', 'globex freeze.raised']);
    expect(raised.map(({ inputForm }) => inputForm)).toEqual(['plain', 'none', 'none']);
    for (const { statement, bytes } of raised) {
      const until = formatTime(lane.nowMs + HOUR_MS);
      expect(statement.predicate).toMatchObject({ freeze: 'f-1', level: 'freeze', scope: { kind: 'all' }, by: 'ana', until });
      expect(new TextDecoder().decode(bytes)).not.toContain('incident 7');
    }
    expect(kinds(lift(lane, 'f-1'))).toEqual(['_system.0 freeze.lifted', 'acme freeze.lifted', 'globex freeze.lifted']);
  });

  it('of one tenant is told to that tenant only, and stops only its actions', () => {
    const lane = MemoryLane.ready(['acme', 'globex']);
    expect(kinds(freeze(lane, 'f-1', { scope: { kind: 'tenant', value: 'acme' } }))).toEqual([
      '_system.0 freeze.raised',
      'acme freeze.raised',
    ]);
    expect(said(lane.propose('a-1'))).toBe('DENY DENY_FROZEN');
    expect(said(lane.propose('a-1', {}, { tenant: 'globex' }))).toBe('ALLOW ALLOW_POLICY');
    expect(kinds(lift(lane, 'f-1'))).toEqual(['_system.0 freeze.lifted', 'acme freeze.lifted']);
  });

  it.each<[FreezeScope, object, object]>([
    [{ kind: 'class', value: 'note' }, {}, change],
    [{ kind: 'connector', value: 'tool' }, change, {}],
    [{ kind: 'agent', value: 'bot' }, { actor: { kind: 'pipeline', id: 'bot' } }, { actor: { kind: 'agent', id: 'bot2' } }],
  ])('of %o stops what is in it, and nothing else', (scope, inside, outside) => {
    const lane = MemoryLane.ready();
    freeze(lane, 'f-1', { scope });
    expect(said(lane.propose('inside', inside))).toBe('DENY DENY_FROZEN');
    expect(said(lane.propose('outside', outside))).not.toContain('FROZEN');
  });

  it('in shadow mode is told as WOULD_DENY', () => {
    const lane = MemoryLane.ready();
    freeze(lane, 'f-1', { level: 'stop' });
    expect(said(lane.propose('a-1', { mode: 'shadow' }))).toBe('WOULD_DENY DENY_STOPPED');
  });

  it('comes after expiry, id and class, and before everything that policy says', () => {
    const lane = MemoryLane.ready();
    lane.propose('known');
    freeze(lane, 'f-1');
    expect(said(lane.propose('a-1', {}, { expiresAtMs: lane.nowMs }))).toBe('DENY DENY_EXPIRED');
    expect(said(lane.propose('known', high))).toBe('DENY DENY_CONFLICT');
    expect(said(lane.propose('a-2', { class: 'constructor' }))).toBe('DENY DENY_UNKNOWN_CLASS');
    expect(said(lane.propose('a-3', { ...change, connector: 'none' }))).toBe('DENY DENY_FROZEN');
    expect(said(lane.propose('a-4', { resource: { type: 'thing', id: 'frozen' } }))).toBe('DENY DENY_FROZEN');
  });

  it('is over at its end, to the millisecond, by the time of the ledger and not of the wall', () => {
    const lane = MemoryLane.ready();
    const untilMs = lane.nowMs + HOUR_MS;
    freeze(lane, 'f-1', { until: formatTime(untilMs) });
    lane.nowMs = untilMs - 1;
    expect(said(lane.propose('a-1'))).toBe('DENY DENY_FROZEN');
    lane.nowMs = untilMs;
    expect(said(lane.propose('a-2'))).toBe('ALLOW ALLOW_POLICY');
    lane.nowMs = untilMs - 500; // a clock set back brings no freeze back
    expect(said(lane.propose('a-3'))).toBe('ALLOW ALLOW_POLICY');
    expect(detail(lift(lane, 'f-1'))).toBe('until-passed');
  });

  it('below a stop is not what is told: the stop is', () => {
    const lane = MemoryLane.ready();
    freeze(lane, 'f-1');
    freeze(lane, 's-1', { level: 'stop', scope: { kind: 'class', value: 'note' } });
    expect(told(lane.propose('a-1'))).toMatchObject({ reasons: ['DENY_STOPPED'], freeze: 's-1' });
    lift(lane, 's-1');
    expect(told(lane.propose('a-2'))).toMatchObject({ reasons: ['DENY_FROZEN'], freeze: 'f-1' });
  });

  it('covers a tenant that is registered later', () => {
    const lane = MemoryLane.ready([]);
    freeze(lane, 'f-1');
    lane.registerTenant('acme');
    lane.registerIssuer('acme', 'platform', 'platform');
    expect(said(lane.propose('a-1'))).toBe('DENY DENY_FROZEN');
  });
});

describe('raising is refused', () => {
  it.each<[string, string, object]>([
    ['for a tenant that nobody knows, whose name was meant otherwise', 'unknown-tenant', { scope: { kind: 'tenant', value: 'acmee' } }],
    ['with an end that has passed', 'until-passed', { until: formatTime(Date.UTC(2026, 10, 25, 12)) }],
    ['for all of something', 'scope', { scope: { kind: 'all', value: 'acme' } }],
    ['for an agent without a name', 'scope', { scope: { kind: 'agent' } }],
    ['for the system tree', 'scope', { scope: { kind: 'tenant', value: '_system.0' } }],
    ['for a scope that does not exist', 'scope-kind', { scope: { kind: 'lane', value: '0' } }],
    ['at a level that does not exist', 'level', { level: 'pause' }],
    ['by nobody', 'by', { by: undefined }],
    ['without saying why', 'why', { why: '' }],
  ])('%s', (_, word, body) => {
    const lane = MemoryLane.ready();
    expect(detail(freeze(lane, 'f-1', body))).toBe(word);
    expect(said(lane.propose('a-1'))).toBe('ALLOW ALLOW_POLICY');
  });

  it('under an id that was raised before, in force or over, whatever it says now', () => {
    const lane = MemoryLane.ready();
    freeze(lane, 'f-1');
    expect(detail(freeze(lane, 'f-1', { level: 'stop' }))).toBe('repeated');
    lane.nowMs += 25 * HOUR_MS; // the control's own id is forgotten by now
    expect(detail(freeze(lane, 'f-1'))).toBe('exists');
    lift(lane, 'f-1');
    expect(detail(freeze(lane, 'f-1'))).toBe('repeated'); // what was refused stays refused under its id
    lane.nowMs += 25 * HOUR_MS;
    expect(detail(freeze(lane, 'f-1'))).toBe('exists');
  });

  it('by anyone but the admin', () => {
    const lane = MemoryLane.ready();
    const body = { level: 'stop', scope: { kind: 'all' }, why: 'w', by: 'ana' };
    expect(told(lane.control('freeze.raised', SYSTEM, body, { issuer: 'gateway' }))).toMatchObject({ code: 'REFUSED_ISSUER' });
    expect(told(lane.control('freeze.raised', 'acme', body))).toMatchObject({ code: 'REFUSED_ISSUER' });
  });

  it('beyond the limit of its level: freezes never keep a stop out, and an ended one makes room', () => {
    const lane = MemoryLane.ready([]);
    for (let at = 0; at < FREEZES_PER_LEVEL_MAX; at++) freeze(lane, `f-${at}`, { scope: { kind: 'agent', value: `bot-${at}` } });
    expect(detail(freeze(lane, 'one-more'))).toBe('limit');
    expect(kinds(freeze(lane, 'stop', { level: 'stop' }))).toEqual(['_system.0 freeze.raised']);
    lift(lane, 'f-7');
    expect(kinds(freeze(lane, 'now'))).toEqual(['_system.0 freeze.raised']);
  });

  it('keeps a bounded number of ended ones', () => {
    const lane = MemoryLane.ready([]);
    freeze(lane, 'stays');
    for (let at = 0; at < ENDED_FREEZES_MAX + 3; at++) {
      freeze(lane, `f-${at}`);
      lift(lane, `f-${at}`);
    }
    expect(lane.state.freezes.size).toBeLessThanOrEqual(ENDED_FREEZES_MAX + 2);
    expect(detail(lift(lane, 'f-0'))).toBe('unknown-freeze');
    expect(detail(lift(lane, `f-${ENDED_FREEZES_MAX + 2}`))).toBe('already-lifted');
    expect(kinds(lift(lane, 'stays'))).toEqual(['_system.0 freeze.lifted']);
  });

  it('stays below 2 KiB in each tree at its largest', () => {
    const [x, y, z] = ['x', 'y', 'z'].map((letter) => letter.repeat(128));
    const lane = MemoryLane.ready();
    const scope = { kind: 'connector', value: x };
    const entries = freeze(lane, y ?? '', { scope, by: z, why: 'é'.repeat(128), until: formatTime(lane.nowMs + HOUR_MS) });
    expect(entries).toHaveLength(2);
    for (const { bytes } of entries) expect(bytes.length).toBeLessThan(2048);
  });
});

describe('lifting is refused', () => {
  it('by the person who raised it, however spelt', () => {
    const lane = MemoryLane.ready();
    freeze(lane, 'f-1', { by: 'ana@acme' });
    expect(detail(lift(lane, 'f-1', 'ana@acme'))).toBe('same-person');
    expect(detail(lift(lane, 'f-1', 'Ana@Acme'))).toBe('same-person');
    expect(said(lane.propose('a-1'))).toBe('DENY DENY_FROZEN');
  });

  it('for an id that was never raised, and a second time', () => {
    const lane = MemoryLane.ready();
    expect(detail(lift(lane, '__proto__'))).toBe('unknown-freeze');
    freeze(lane, 'f-1');
    expect(kinds(lift(lane, 'f-1'))[0]).toBe('_system.0 freeze.lifted');
    expect(detail(lift(lane, 'f-1'))).toBe('already-lifted');
  });
});

const NAMES = ['acme', 'globex', 'note', 'change', 'tool', 'bot', 'other', 'constructor'];
const scopes: fc.Arbitrary<FreezeScope> = fc.oneof(
  fc.constant({ kind: 'all' as const }),
  fc.record({ kind: fc.constantFrom('tenant', 'class', 'connector', 'agent'), value: fc.constantFrom(...NAMES) }),
);
const freezes = fc.record({
  level: fc.constantFrom('freeze', 'stop'),
  scope: scopes,
  lastsMs: fc.option(fc.constantFrom(1, 1000, 60_000)),
});
const proposals = fc.record({
  tenant: fc.constantFrom('acme', 'globex'),
  body: fc.record(
    {
      actor: fc.record({ kind: fc.constantFrom('agent', 'person', 'pipeline'), id: fc.constantFrom('bot', 'other') }),
      class: fc.constantFrom('note', 'change', 'constructor'),
      connector: fc.constantFrom('tool', 'none'),
      operation: fc.constantFrom('write', 'apply'),
      mode: fc.constantFrom('enforce', 'shadow'),
      resource: fc.record({ type: fc.constant('thing'), id: fc.constantFrom('low', 'high', 'frozen', 'unlisted') }),
      parameters: fc.constant({ tenant: 'acme', target: 'low', artifact: 'a', amount: 1 }),
    },
    { requiredKeys: [] },
  ),
});
const RANK: Readonly<Record<string, number>> = { DENY: 0, ESCALATE: 1, ALLOW: 2 };
const rank = (entries: readonly Entry[]): number => RANK[String(told(entries)?.['verdict']).replace('WOULD_', '')] ?? -1;

describe(`any freezes (${RULE})`, () => {
  it('never loosen a verdict: each proposal fares as without them, or is denied', () => {
    fc.assert(
      fc.property(fc.array(freezes, { maxLength: 4 }), fc.array(proposals, { minLength: 1, maxLength: 6 }), (raised, asked) => {
        const [bare, frozen] = [MemoryLane.ready(['acme', 'globex']), MemoryLane.ready(['acme', 'globex'])];
        raised.forEach(({ lastsMs, ...body }, at) => {
          const until = lastsMs === null ? undefined : formatTime(frozen.nowMs + lastsMs);
          freeze(frozen, `f-${at}`, { ...body, until });
        });
        asked.forEach(({ tenant, body }, at) => {
          const [without, within] = [bare, frozen].map((lane) => lane.propose(`a-${at}`, body, { tenant }));
          expect(rank(within ?? [])).toBeGreaterThanOrEqual(0);
          const isStopped = /DENY_(FROZEN|STOPPED)/.test(said(within ?? []));
          if (isStopped) expect(rank(within ?? [])).toBe(0);
          else expect(said(within ?? [])).toBe(said(without ?? []));
        });
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it('stand in the way of exactly what one of them covers while it is in force, a stop first', () => {
    const each = fc.record({
      ...{ level: fc.constantFrom('freeze' as const, 'stop' as const), scope: scopes },
      ...{ untilMs: fc.option(fc.nat(3)), lifted: fc.boolean() },
    });
    const subject = fc.record(
      {
        tenant: fc.constantFrom(...NAMES),
        class: fc.constantFrom(...NAMES),
        connector: fc.constantFrom(...NAMES),
        agent: fc.constantFrom(...NAMES),
      },
      { requiredKeys: ['tenant', 'class', 'agent'] },
    );
    fc.assert(
      fc.property(fc.array(each, { maxLength: 5 }), subject, fc.nat(3), (list, of, nowMs) => {
        const all = list.map((one, at): Freeze => ({ ...one, id: `f-${at}`, by: 'ana' }));
        const standing = all.filter(({ scope, lifted, untilMs }) => {
          const isOver = lifted || (untilMs !== null && untilMs <= nowMs);
          return !isOver && (scope.kind === 'all' || of[scope.kind] === scope.value);
        });
        const first = standing.find(({ level }) => level === 'stop') ?? standing[0];
        const found = freezeFor({ freezes: new Map(all.map((one) => [one.id, one])) }, of, nowMs);
        expect(found).toEqual(first && { level: first.level, freeze: first.id });
      }),
      { numRuns: 500 },
    );
  });

  it('are decided again by the checker to the same bytes, and a restart knows them, from genesis and from a snapshot', async () => {
    const lane = MemoryLane.ready(['acme', 'globex']);
    freeze(lane, 'f-1', { until: formatTime(lane.nowMs + HOUR_MS) });
    freeze(lane, 's-1', { level: 'stop', scope: { kind: 'agent', value: 'bot' } });
    lane.propose('a-1');
    const snapshot = lane.snapshot();
    lift(lane, 's-1');
    lift(lane, 's-1', 'ana');
    lane.propose('a-2', { mode: 'shadow' });
    lane.nowMs += HOUR_MS;
    lane.propose('a-3');
    const live = encodeState(lane.state);
    const checked = await checkLane(lane, new FakeEngine(), attest(lane, lane.parties.keys));
    expect(checked).toMatchObject({ status: 'valid', unreplayable: 0 });
    for (const from of [undefined, snapshot]) expect(encodeState(lane.restart(from).state)).toEqual(live);
    freeze(lane, 'f-2');
    expect(said(lane.restart().propose('a-4'))).toBe('DENY DENY_FROZEN');
  });
});
