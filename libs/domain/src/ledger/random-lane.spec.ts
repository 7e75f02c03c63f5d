import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { attest, checkLane, FakeEngine, type Given, laneBundle, MemoryLane, readBatches, testDocument } from '#testing';

import type { Bundle } from '../policy/types.ts';
import { LaneHalted } from '../decide/types.ts';
import { encodeState } from '../decide/snapshot.ts';
import { LedgerBroken } from './heads.ts';

const seed = process.env['SEED'] === undefined ? Date.now() % 0x7fffffff : Number(process.env['SEED']);
fc.configureGlobal({ seed });
const RULE = `SEED=${seed}`;

const TENANTS = ['acme', 'globex', 'nobody'] as const;
type Step =
  | {
      readonly do: 'propose';
      readonly tenant: string;
      readonly id: string;
      readonly resource: string;
      readonly mode?: 'shadow';
      readonly bad?: boolean;
    }
  | { readonly do: 'control'; readonly what: string; readonly tenant: string; readonly n: number }
  | { readonly do: 'bytes'; readonly bytes: Uint8Array; readonly topic: Given['topic'] }
  | { readonly do: 'copy'; readonly at: number }
  | { readonly do: 'claim'; readonly at: number; readonly by: string; readonly n: number }
  | { readonly do: 'report'; readonly at: number; readonly what: 'result' | 'healthcheck' | 'rollback'; readonly ok: boolean }
  | {
      readonly do: 'freeze';
      readonly level: 'freeze' | 'stop';
      readonly kind: 'all' | 'tenant' | 'class';
      readonly n: number;
      readonly lift: boolean;
    }
  | { readonly do: 'wait'; readonly ms: number };

const tenant = fc.constantFrom(...TENANTS);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record(
    {
      do: fc.constant('propose' as const),
      tenant,
      id: fc.constantFrom('a', 'b', 'c', 'constructor', 'not an id'),
      resource: fc.constantFrom('low', 'high', 'high', 'frozen', 'unlisted'),
      mode: fc.constant('shadow' as const),
      bad: fc.boolean(),
    },
    { requiredKeys: ['do', 'tenant', 'id', 'resource'] },
  ),
  fc.record({
    do: fc.constant('control' as const),
    what: fc.constantFrom('issue', 'revoke', 'issuer', 'drop', 'gap', 'bundle'),
    tenant,
    n: fc.nat(3),
  }),
  fc.record({
    do: fc.constant('bytes' as const),
    bytes: fc.uint8Array({ maxLength: 40 }),
    topic: fc.constantFrom('controls', 'outcomes', 'actions'),
  }),
  fc.record({ do: fc.constant('copy' as const), at: fc.nat(30) }),
  fc.record({ do: fc.constant('claim' as const), at: fc.nat(9), by: fc.constantFrom('runner', 'runner', 'other'), n: fc.nat(5) }),
  fc.record({
    do: fc.constant('report' as const),
    at: fc.nat(3),
    what: fc.constantFrom('result', 'result', 'healthcheck', 'rollback'),
    ok: fc.boolean(),
  }),
  fc.record({
    do: fc.constant('freeze' as const),
    level: fc.constantFrom('freeze', 'stop'),
    kind: fc.constantFrom('all', 'tenant', 'class'),
    n: fc.nat(2),
    lift: fc.boolean(),
  }),
  fc.record({
    do: fc.constant('wait' as const),
    ms: fc.constantFrom(-900, 1, 20, 300, 4000, 30_000, 30_000, 400_000, 3_600_000, 90_000_000),
  }),
);

function valueOf(lane: MemoryLane, of: Step): Given[] {
  switch (of.do) {
    case 'propose': {
      const body = {
        resource: { type: 'thing', id: of.resource },
        ...(of.mode ? { mode: of.mode } : {}),
        ...(of.bad === true ? { surprise: 1 } : {}),
      };
      return [{ topic: 'actions', value: lane.proposal(of.id, body, { tenant: of.tenant }) }];
    }
    case 'control':
      return [{ topic: 'controls', value: controlOf(lane, of) }];
    case 'bytes':
      return [{ topic: of.topic, value: of.bytes.length === 0 ? null : of.bytes }];
    case 'copy': {
      const { actions, controls } = lane.inputs;
      const topic = of.at % 2 === 0 && actions.length > 0 ? ('actions' as const) : ('controls' as const);
      const from = lane.inputs[topic];
      return from.length === 0 || controls.length === 0 ? [] : [{ topic, value: from[of.at % from.length] ?? null }];
    }
    case 'claim':
      return [{ topic: 'outcomes', value: claimOf(lane, of) }];
    case 'report':
      return [{ topic: 'outcomes', value: reportOf(lane, of) }];
    case 'freeze':
      return [{ topic: 'controls', value: freezeOf(lane, of) }];
    case 'wait':
      return [];
  }
}

/** Of some decision for acme, as far as it is attested: one of this very batch is not yet. */
function claimOf(lane: MemoryLane, { at, by, n }: Extract<Step, { do: 'claim' }>): Uint8Array {
  const decided = lane.entries.filter(({ kind, tenant }) => kind === 'action.decided' && tenant === 'acme');
  const entry = decided[at % Math.max(1, decided.length)];
  const body = entry ? { decision: entry.statement.predicate.index, receipt: lane.receiptOf(entry) } : { decision: '0', receipt: '' };
  return lane.sign({ kind: 'claim.requested', tenant: 'acme', issuer: by, id: `c-${n}`, body });
}

function reportOf(lane: MemoryLane, { at, what, ok }: Extract<Step, { do: 'report' }>): Uint8Array {
  const open = [...(lane.state.tenants.get('acme')?.effects.values() ?? [])];
  const effect = open[at % Math.max(1, open.length)];
  const body = { decision: String(effect?.index ?? 0), claim: effect?.claim ?? 'c-0', kind: what, status: ok ? 'succeeded' : 'failed' };
  return lane.sign({ kind: 'outcome.reported', tenant: 'acme', issuer: effect?.executor ?? 'runner', body });
}

function freezeOf(lane: MemoryLane, { level, kind, n, lift }: Extract<Step, { do: 'freeze' }>): Uint8Array {
  if (lift) return lane.sign({ kind: 'freeze.lifted', body: { lifts: `f-${n}`, by: 'ben', why: 'over' } });
  const value = { all: {}, tenant: { value: 'acme' }, class: { value: 'note' } }[kind];
  return lane.sign({ kind: 'freeze.raised', id: `f-${n}`, body: { level, scope: { kind, ...value }, why: 'incident', by: 'ana' } });
}

/** Notes owe a health check within a minute. */
function watched(): Bundle {
  const { classes } = testDocument();
  return laneBundle({ classes: { ...classes, note: { ...classes.note, after: ['healthcheck'], resultWithinSeconds: 60 } } });
}

function controlOf(lane: MemoryLane, { what, tenant, n }: Extract<Step, { do: 'control' }>): Uint8Array {
  const id = `t-${n}`;
  const at = String(lane.state.positions.outcomes.next);
  const keys = [lane.parties.publicKeyOf(`ci-${n} of ${tenant}`)];
  switch (what) {
    case 'issue':
      return lane.sign({
        kind: 'token.issued',
        tenant,
        body: { token: id, tokenHash: 'ab'.repeat(32), roles: ['read'], validUntil: '2030-01-01T00:00:00.000Z' },
      });
    case 'revoke':
      return lane.sign({ kind: 'token.revoked', tenant, body: { revokes: id } });
    case 'issuer':
      return lane.sign({ kind: 'issuer.registered', tenant, body: { registers: `ci-${n}`, type: 'ci', keys } });
    case 'drop':
      return lane.sign({ kind: 'issuer.revoked', tenant, body: { revokes: n === 0 ? 'platform' : `ci-${n}` } });
    case 'gap':
      return lane.sign({ kind: 'input.gap', body: { topic: 'outcomes', lane: 0, from: at, to: String(BigInt(at) + BigInt(n)), epoch: 0 } });
    default:
      return lane.sign({ kind: 'bundle.activated', body: { bundle: lane.state.bundle?.document ?? {} } });
  }
}

/** Batches of random size; a snapshot is taken somewhere in the middle. */
function run(steps: readonly Step[], batchSize: number): { lane: MemoryLane; snapshot: ReturnType<MemoryLane['snapshot']> } {
  const lane = MemoryLane.ready(['acme', 'globex']);
  for (const executor of ['runner', 'other']) lane.registerIssuer('acme', executor, 'executor');
  lane.activate(watched());
  lane.propose('allowed');
  lane.propose('waits', { resource: { type: 'thing', id: 'high' } });
  let snapshot = lane.snapshot();
  for (let at = 0; at < steps.length; at += batchSize) {
    const of = steps.slice(at, at + batchSize);
    for (const each of of) if (each.do === 'wait') lane.nowMs += each.ms;
    lane.batch(of.flatMap((each) => valueOf(lane, each)));
    if (at < steps.length / 2) snapshot = lane.snapshot();
  }
  return { lane, snapshot };
}

const lanes = fc.record({ steps: fc.array(step, { minLength: 1, maxLength: 25 }), batchSize: fc.integer({ min: 1, max: 6 }) });

describe(`any lane (${RULE})`, () => {
  it('is read back whole: from genesis and from a snapshot to the very state that decided it, and the checker finds it valid', async () => {
    await fc.assert(
      fc.asyncProperty(lanes, async ({ steps, batchSize }) => {
        const { lane, snapshot } = run(steps, batchSize);
        const { idCount, lastDecidedAtMs } = lane.state;
        const live = encodeState(lane.state);
        const { receipts, heads } = attest(lane, lane.parties.keys);
        for (const state of [lane.restart().state, lane.restart(snapshot).state]) {
          expect(encodeState(state)).toEqual(live);
          expect([state.idCount, state.lastDecidedAtMs]).toEqual([idCount, lastDecidedAtMs]);
        }
        const checked = await checkLane(lane, new FakeEngine(), { receipts, heads });
        expect(checked.invariants.filter(({ status }) => status !== 'holds')).toEqual([]);
        expect(checked).toMatchObject({ pending: 0, unreplayable: 0, headsAhead: 0, receipts: lane.entries.length });
      }),
      { numRuns: 40 },
    );
  }, 120_000);

  it('with any record changed by a bit, dropped, doubled or swapped is broken for every reader', async () => {
    const { lane } = run(
      [
        { do: 'propose', tenant: 'acme', id: 'a', resource: 'low' },
        { do: 'propose', tenant: 'globex', id: 'a', resource: 'high' },
        { do: 'bytes', bytes: Uint8Array.of(1), topic: 'actions' },
      ],
      2,
    );
    const attested = attest(lane, lane.parties.keys);
    const flip = fc.record({
      how: fc.constantFrom('bit', 'drop', 'double', 'swap'),
      at: fc.nat(lane.ledger.length - 1),
      bit: fc.nat(1 << 20),
    });
    await fc.assert(
      fc.asyncProperty(flip, async ({ how, at, bit }) => {
        const ledger = [...lane.ledger];
        const record = Uint8Array.from(ledger[at] ?? []);
        const other = (at + 1) % ledger.length;
        const last = how === 'drop' && at === ledger.length - 1;
        if (how === 'bit')
          ledger[at] = record.map((byte, index) => (index === (bit >> 3) % record.length ? byte ^ (1 << (bit & 7)) : byte));
        if (how === 'drop') ledger.splice(at, 1);
        if (how === 'double') ledger.splice(at, 0, record);
        if (how === 'swap') [ledger[at], ledger[other]] = [ledger[other] ?? record, record];
        const hostile = { birth: lane.birth, lane: 0, ledger, inputKeys: lane.inputKeys, deadLetters: lane.deadLetters };
        if (!last) expect(() => readBatches(hostile)).toThrow(LedgerBroken);
        const checked = await checkLane(hostile, new FakeEngine(), attested);
        expect(checked.status === 'invalid' || checked.headsAhead > 0).toBe(true);
      }),
      { numRuns: 100 },
    );
  }, 120_000);

  it('without its last batch is given away by a signed head, and by nothing else on the ledger', async () => {
    const lane = MemoryLane.ready(['acme']);
    lane.propose('a');
    const attested = attest(lane, lane.parties.keys);
    const ledger = lane.ledger.slice(0, -1);
    const cut = { birth: lane.birth, lane: 0, ledger, inputKeys: lane.inputKeys, deadLetters: lane.deadLetters };
    expect(readBatches(cut)).toHaveLength(ledger.length - 2); // a tenant and a bundle have two parts each
    const checked = await checkLane(cut, new FakeEngine(), { receipts: [], heads: attested.heads });
    expect(checked.headsAhead).toBe(1);
  });

  it('sealed by any other key is refused, and a reader that met it takes nothing more', () => {
    const lane = MemoryLane.ready([]);
    const forger = MemoryLane.ready([], { seed: 'another' });
    const hostile = { ...topicsOf(lane), birth: { ...lane.birth, deciderKeys: forger.birth.deciderKeys } };
    expect(() => readBatches(hostile)).toThrow(expect.objectContaining({ code: 'SEAL' }));
  });

  it('throws nothing but LaneHalted for arbitrary bytes, at birth and later', () => {
    const ready = MemoryLane.ready(['acme']);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom('controls', 'outcomes', 'actions'),
        fc.boolean(),
        (value, topic, isBorn) => {
          const lane = isBorn ? ready : new MemoryLane();
          try {
            expect(lane.when(topic, value)).toHaveLength(1);
          } catch (error) {
            if (isBorn || !(error instanceof LaneHalted)) throw error;
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('throws nothing for arbitrary JSON under a good signature: a body is decided or refused', () => {
    const lane = MemoryLane.ready(['acme']);
    const body = fc.dictionary(
      fc.constantFrom('actor', 'class', 'parameters', 'resource', 'mode', '__proto__', 'evidence', 'impact'),
      fc.jsonValue({ maxDepth: 4 }),
    );
    const members = body.map((each) => JSON.parse(JSON.stringify(each).toWellFormed()) as object);
    fc.assert(
      fc.property(
        members,
        fc.constantFrom('action.proposed', 'issuer.registered', 'token.issued', 'bundle.activated', 'input.gap', 'tenant.registered'),
        (each, kind) => {
          const isSystem = ['bundle.activated', 'input.gap', 'tenant.registered'].includes(kind);
          const value = lane.sign({ kind, tenant: isSystem ? '_system' : 'acme', body: each });
          expect(lane.when(kind === 'action.proposed' ? 'actions' : 'controls', value).length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 150 },
    );
  });
});

const topicsOf = ({ birth, lane, ledger, inputKeys, deadLetters }: MemoryLane) => ({ birth, lane, ledger, inputKeys, deadLetters });
