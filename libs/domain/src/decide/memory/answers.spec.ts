/** Any history of proposals, claims, reports and controls, each sent again at any time: what relies on memory never outlives it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { MemoryLane } from '#testing';

import type { Entry, InputTopic } from '../../ledger/entry.ts';
import { encodeState } from '../snapshot.ts';

const MINUTE_MS = 60_000;

type Step =
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'propose'; readonly id: string; readonly high: boolean; readonly ageMs: number; readonly lifetimeMs: number }
  | { readonly do: 'claim'; readonly at: number; readonly id: string; readonly lifetimeMs: number }
  | { readonly do: 'report'; readonly at: number; readonly lifetimeMs: number }
  | { readonly do: 'control'; readonly kind: 'raise' | 'lift'; readonly n: number; readonly lifetimeMs: number }
  | { readonly do: 'vote'; readonly at: number; readonly vote: string }
  | { readonly do: 'again'; readonly at: number }
  | { readonly do: 'restart'; readonly from: 'genesis' | 'snapshot' };

const lifetimeMs = fc.integer({ min: 1, max: 15 * MINUTE_MS });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 12 * MINUTE_MS }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('propose' as const),
      id: fc.constantFrom('a', 'b'),
      high: fc.boolean(),
      ageMs: fc.integer({ min: 0, max: 20 * MINUTE_MS }),
      lifetimeMs,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('claim' as const), at: fc.nat(), id: fc.constantFrom('c', 'd'), lifetimeMs }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('report' as const), at: fc.nat(), lifetimeMs }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('control' as const),
      kind: fc.constantFrom('raise' as const, 'lift' as const),
      n: fc.nat(1),
      lifetimeMs,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('vote' as const), at: fc.nat(), vote: fc.constantFrom('approve', 'deny') }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('again' as const), at: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('restart' as const), from: fc.constantFrom('genesis' as const, 'snapshot' as const) }),
  },
);

interface Sent {
  readonly topic: InputTopic;
  readonly value: Uint8Array;
}

/** Kinds by which something happens, or may. */
const ACTS = [
  'claim.granted',
  'outcome.recorded',
  'freeze.raised',
  'freeze.lifted',
  'approval.recorded',
  'escalation.settled',
  'rollback.granted',
];
const acts = ({ kind, statement: { predicate } }: Entry): boolean =>
  ACTS.includes(kind) || (kind === 'action.decided' && (predicate.verdict === 'ALLOW' || predicate.verdict === 'ESCALATE'));

/** Tells a history; `late` is what was sent again and then did something. */
class Told {
  readonly lane = MemoryLane.ready();
  readonly sent: Sent[] = [];
  readonly decided: Entry[] = [];
  readonly late: string[] = [];

  constructor() {
    this.lane.registerIssuer('acme', 'runner', 'executor');
  }

  take(one: Step): void {
    const { lane } = this;
    if (one.do === 'wait') lane.nowMs += one.ms;
    else if (one.do === 'restart') {
      const live = encodeState(lane.state);
      expect(encodeState(lane.restart(one.from === 'snapshot' ? lane.snapshot() : undefined).state)).toEqual(live);
    } else if (one.do === 'again') {
      const before = this.sent[one.at % Math.max(1, this.sent.length)];
      if (!before) return;
      const answer = lane.when(before.topic, before.value);
      if (answer.some(acts)) this.late.push(`${before.topic}: ${answer.map(({ kind }) => kind).join(', ')}`);
    } else this.#send(one);
  }

  #send(one: Exclude<Step, { do: 'wait' | 'again' | 'restart' }>): void {
    const { lane } = this;
    const times = 'lifetimeMs' in one ? { expiresAtMs: lane.nowMs + one.lifetimeMs } : {};
    if (one.do === 'propose') {
      const askedAtMs = lane.nowMs - one.ageMs;
      const expiresAtMs = Math.min(lane.nowMs + one.lifetimeMs, askedAtMs + 15 * MINUTE_MS);
      const body = one.high ? { resource: { type: 'thing', id: 'high' } } : {};
      this.#give('actions', lane.proposal(one.id, body, { askedAtMs, expiresAtMs }));
      return;
    }
    if (one.do === 'control') {
      const raised = { level: 'freeze', scope: { kind: 'class', value: `none-${one.n}` }, why: 'w', by: 'ana' };
      const body = one.kind === 'raise' ? raised : { lifts: `f-${one.n}`, by: 'ben', why: 'w' };
      const id = one.kind === 'raise' ? { id: `f-${one.n}` } : {};
      const kind = one.kind === 'raise' ? 'freeze.raised' : 'freeze.lifted';
      this.#give('controls', lane.sign({ kind, tenant: '_system', body, ...id, ...times }));
      return;
    }
    const of = this.decided[one.at % Math.max(1, this.decided.length)];
    if (!of) return;
    const { index, bindingDigest } = of.statement.predicate as unknown as Record<'index' | 'bindingDigest', string | undefined>;
    const executor = { tenant: 'acme', issuer: 'runner' };
    if (one.do === 'claim') {
      const body = { decision: index, receipt: lane.receiptOf(of) };
      this.#give('outcomes', lane.sign({ kind: 'claim.requested', ...executor, id: one.id, body, ...times }));
    } else if (one.do === 'report') {
      const body = { decision: index, claim: 'c', kind: 'result', status: 'succeeded' };
      this.#give('outcomes', lane.sign({ kind: 'outcome.reported', ...executor, body, ...times }));
    } else if (bindingDigest !== undefined) {
      const body = { decision: index, bindingDigest, vote: one.vote, by: 'ana' };
      this.#give('controls', lane.sign({ kind: 'approval.recorded', tenant: 'acme', body }));
    }
  }

  #give(topic: InputTopic, value: Uint8Array): void {
    const answer = this.lane.when(topic, value);
    this.sent.push({ topic, value });
    this.decided.push(...answer.filter(({ kind }) => kind === 'action.decided' || kind === 'escalation.settled'));
  }
}

describe('any history', () => {
  it('answers no bytes twice with something that happens, decides no id twice, and lets no decision be claimed twice', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 15, maxLength: 40, size: 'max' }), (steps) => {
        const told = new Told();
        for (const one of steps) told.take(one);
        expect(told.late).toEqual([]);
        const of = (kind: string): Entry[] => told.lane.entries.filter((entry) => entry.kind === kind && entry.tenant === 'acme');
        const claimed = of('claim.granted').map(({ statement }) => statement.predicate['decision']);
        expect(new Set(claimed).size).toBe(claimed.length);
        // Under one id and one first time of asking there is one answer that may have consequences.
        const may = of('action.decided')
          .filter(acts)
          .map(({ statement }) => JSON.stringify([statement.subject[0].name, statement.predicate['askedAt']]));
        expect(new Set(may).size).toBe(may.length);
      }),
      { numRuns: 50 },
    );
  });
});
