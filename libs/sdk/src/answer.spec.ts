/** One contract for every way in which an asker learns what became of its action. Each story is a real ledger, made in memory. */
import { describe, expect, it } from 'vitest';

import { wire } from '#adapters';
import { sha256Hex } from '#crypto';
import {
  base64,
  canonicalBytes,
  type Entry,
  formatProof,
  formatTrust,
  fromUtf8,
  leafHash,
  permitOf,
  type Predicate,
  signCheckpoint,
  utf8,
} from '#domain';
import { attest, laneBundle, MemoryLane, NOTE } from '#testing';

import { type Decision, demandAllowed, HttpProposer, type ProposalBody, type VerifiedVerdict } from './index.ts';
import { openTrust, verifyVerdict } from './verdict.ts';

const MINUTE_MS = 60_000;
const HIGH = { resource: { type: 'thing', id: 'high' }, actor: { kind: 'agent', id: 'eves-bot', actingFor: 'eve' } } as const;

interface Story {
  readonly asks?: Partial<ProposalBody>;
  /** What happens after it was decided. */
  readonly then?: (lane: MemoryLane, asked: Predicate) => void;
  /** Unit ms: when the asker looks, after that. */
  readonly afterMs?: number;
}
interface Told {
  readonly lane: MemoryLane;
  readonly body: ProposalBody;
  readonly decision: Entry;
  readonly settlement: Entry | undefined;
  readonly trust: string;
  readonly receiptOf: (entry: Entry) => string;
  readonly nowMs: number;
}

/** The ledger of action x, up to where its asker looks. */
function tell({ asks = {}, then, afterMs = 0 }: Story): Told {
  const lane = MemoryLane.ready();
  const body = { ...NOTE, ...asks } as ProposalBody;
  const [decision] = lane.propose('x', body);
  if (!decision) throw new Error('nothing was decided');
  then?.(lane, decision.statement.predicate);
  const { receipts } = attest(lane, lane.parties.keys);
  const receiptOf = (entry: Entry): string => fromUtf8(receipts[lane.entries.indexOf(entry)]?.proof ?? new Uint8Array());
  const settlement = lane.entries.find(({ kind }) => kind === 'escalation.settled');
  return { lane, body, decision, settlement, trust: formatTrust(lane.parties.logOf('acme').vkey), receiptOf, nowMs: lane.nowMs + afterMs };
}

const vote = (word: string) => (lane: MemoryLane, asked: Predicate) => {
  const { index, bindingDigest } = asked;
  lane.control('approval.recorded', 'acme', { decision: index, bindingDigest, vote: word, by: 'ana' });
};
const approvedAfter = (change: (lane: MemoryLane) => void) => (lane: MemoryLane, asked: Predicate) => {
  change(lane);
  vote('approve')(lane, asked);
};
const frozen = (level: string) => (lane: MemoryLane) => {
  lane.control('freeze.raised', '_system', { level, scope: { kind: 'class', value: 'note' }, why: 'incident', by: 'ana' });
};

const askedAgain = (lane: MemoryLane, asked: Predicate) => {
  vote('approve')(lane, asked);
  lane.nowMs += 60 * MINUTE_MS;
  lane.propose('x', { ...NOTE, ...HIGH });
};

/** As the gateway answers: docs/http-api.md. */
function gatewayAnswer(told: Told) {
  const { decision, receiptOf } = told;
  const { predicate } = decision.statement;
  const { verdict, reasons, index } = predicate;
  return { id: 'x', verdict, reasons, index, permit: permitOf(predicate), receipt: receiptOf(decision), settlement: settlementOf(told) };
}

function settlementOf({ settlement, receiptOf }: Told): object | undefined {
  if (!settlement) return undefined;
  const { predicate } = settlement.statement;
  const { outcome, index } = predicate;
  return { outcome, index, permit: permitOf(predicate), receipt: receiptOf(settlement) };
}

/** Base64 of the payload that was decided, as a gateway that signed it hands it over. */
function signedFor({ lane }: Told): string {
  const envelope = wire.decodeEnvelope(lane.inputs.actions[0] ?? new Uint8Array());
  return base64(envelope?.payload ?? new Uint8Array());
}

function proposerOf({ trust, nowMs }: Told, answer: object): HttpProposer {
  return new HttpProposer({
    url: 'http://gateway',
    token: 't',
    trust,
    nowMs: () => nowMs,
    fetch: () => Promise.resolve(Response.json(answer)),
  });
}

/** The newest verdict, as it is on Kafka. */
function followed({ decision, settlement, receiptOf, trust }: Told): VerifiedVerdict {
  const entry = settlement ?? decision;
  const { predicate } = entry.statement;
  const said = { verdict: (predicate['outcome'] ?? predicate.verdict) as string, reasons: (predicate['reasons'] ?? []) as string[] };
  const place = { tenant: 'acme', origin: predicate.origin, leafIndex: Number(predicate.index), actionId: 'x', kind: entry.kind };
  const verified = verifyVerdict({ ...place, ...said, receipt: utf8(receiptOf(entry)), proposal: null }, openTrust({ acme: trust }));
  if (!verified || 'code' in verified) throw new Error(verified?.code ?? 'of another tenant');
  return verified;
}

const ways: [string, (told: Told) => Promise<Decision>][] = [
  ['proposed over HTTP', (told) => proposerOf(told, { ...gatewayAnswer(told), proposal: signedFor(told) }).propose(told.body, { id: 'x' })],
  [
    'proposed again over HTTP',
    (told) =>
      proposerOf(told, { ...gatewayAnswer(told), repeats: told.decision.statement.predicate.index }).propose(told.body, { id: 'x' }),
  ],
  ['looked up over HTTP', (told) => proposerOf(told, gatewayAnswer(told)).find(told.body, { id: 'x' })],
  [
    'followed over Kafka',
    (told) => {
      const { nowMs, body } = told;
      return Promise.resolve().then(() => demandAllowed(followed(told), { nowMs, ...(body.mode === 'shadow' && { mode: 'shadow' }) }));
    },
  ],
];

const yes: [string, Story, string][] = [
  ['allowed by policy', {}, 'ALLOW'],
  ['approved by people', { asks: HIGH, then: vote('approve') }, 'ALLOW_APPROVED'],
];
const no: [string, Story, name: string, code: string, next: string][] = [
  ['denied', { asks: { class: 'unknown' } }, 'Denied', 'DENY_UNKNOWN_CLASS', 'stop'],
  ['outside of its contract', { asks: { contractDigest: 'a'.repeat(64) } }, 'Denied', 'DENY_CONTRACT', 'ask again'],
  ['waiting for people', { asks: HIGH }, 'Pending', 'ESCALATE_APPROVAL_REQUIRED', 'wait'],
  ['denied by people', { asks: HIGH, then: vote('deny') }, 'Denied', 'DENY_HUMAN', 'stop'],
  [
    'answered by nobody',
    {
      asks: HIGH,
      then: (lane) => {
        lane.nowMs += 60 * MINUTE_MS;
        lane.tick();
      },
    },
    'Expired',
    'EXPIRED_NO_DECISION',
    'ask again',
  ],
  [
    'approved under other rules',
    { asks: HIGH, then: approvedAfter((lane) => lane.activate(laneBundle({ name: 'other' }))) },
    'Denied',
    'SUPERSEDED',
    'ask again',
  ],
  ['approved in a freeze', { asks: HIGH, then: approvedAfter(frozen('freeze')) }, 'Denied', 'DENY_FROZEN', 'ask again'],
  ['approved in a stop', { asks: HIGH, then: approvedAfter(frozen('stop')) }, 'Denied', 'DENY_STOPPED', 'stop'],
  [
    'approved after its proposer was revoked',
    { asks: HIGH, then: approvedAfter((lane) => lane.control('issuer.revoked', 'acme', { revokes: 'platform' })) },
    'Denied',
    'CANCELLED_REVOKED',
    'stop',
  ],
  [
    'erased meanwhile',
    {
      asks: HIGH,
      then: (lane, { index }) => {
        lane.control('input.erased', 'acme', { action: 'x', indexes: [index], why: 'asked by the customer' });
      },
    },
    'Denied',
    'CANCELLED_ERASED',
    'stop',
  ],
  ['allowed, and over', { afterMs: 24 * 60 * MINUTE_MS }, 'Expired', 'PERMIT_EXPIRED', 'ask again'],
  ['approved, and over', { asks: HIGH, then: vote('approve'), afterMs: 24 * 60 * MINUTE_MS }, 'Expired', 'PERMIT_EXPIRED', 'ask again'],
];

describe.each(ways)('an action that is %s', (way, ask) => {
  it.each(yes)('%s: a permit, with the entry and the receipt to claim it by', async (__, story, verdict) => {
    const told = tell(story);
    const entry = told.settlement ?? told.decision;
    const { index, decidedAt, permit } = entry.statement.predicate;
    expect(permit).toBeDefined();
    const decision = await ask(told);
    expect(decision).toMatchObject({ id: 'x', verdict, index, receipt: told.receiptOf(entry) });
    expect(decision.permit).toEqual({ ...(permit as unknown as object), notBefore: decidedAt });
  });

  it.each(no)('%s: no yes', async (__, story, name, code, next) => {
    const told = tell(story);
    const { receiptOf, settlement, decision } = told;
    await expect(ask(told)).rejects.toMatchObject({ name, code, next, receipt: receiptOf(settlement ?? decision) });
  });

  it('in shadow mode: what would have been said, never a permit', async () => {
    expect(await ask(tell({ asks: { ...HIGH, mode: 'shadow' } }))).not.toHaveProperty('permit');
    // An answer to a request brings what was signed: it shows that the other mode was not asked for.
    const notAsked = way === 'proposed over HTTP' ? { code: 'RECEIPT_UNVERIFIED' } : undefined;
    const enforced = tell({});
    await expect(ask({ ...enforced, body: { ...enforced.body, mode: 'shadow' } })).rejects.toMatchObject(
      notAsked ?? { name: 'Denied', next: 'stop' },
    );
    const shadow = tell({ asks: { mode: 'shadow' } });
    await expect(ask({ ...shadow, body: NOTE as ProposalBody })).rejects.toMatchObject(notAsked ?? { code: 'WOULD_ALLOW', next: 'stop' });
  });
});

it('over Kafka a verdict on what is no proposal is rejected, even when its log has signed it', () => {
  const told = tell({});
  const proposal = utf8('no json');
  const { statement, kind } = told.decision;
  const predicate: Predicate = { ...statement.predicate, index: '0' };
  const subject = [{ ...statement.subject[0], digest: { sha256: sha256Hex(proposal) } }];
  const entry = canonicalBytes({ ...statement, predicate, subject });
  const { origin } = predicate;
  const checkpoint = signCheckpoint({ origin, size: 1n, root: leafHash(entry) }, told.lane.parties.keys.seed(origin));
  const receipt = utf8(formatProof({ entry, index: 0n, proof: [], checkpoint }));
  const said = { verdict: String(predicate.verdict), reasons: predicate['reasons'] as string[] };
  const record = { tenant: 'acme', origin, leafIndex: 0, actionId: 'x', kind, ...said, receipt, proposal };
  expect(verifyVerdict(record, openTrust({ acme: told.trust }))).toMatchObject({ code: 'PROPOSAL' });
});

it('over Kafka a grant, or whatever else is no decision, answers no proposal', () => {
  const verdict = followed(tell({}));
  expect(() => demandAllowed({ ...verdict, kind: 'claim.granted' })).toThrow(TypeError);
});

describe('an answer to a proposal counts only when its receipt is about exactly what was asked for', () => {
  const told = tell({});
  const other = tell({ asks: { parameters: { amount: 2 } } });
  const answer = gatewayAnswer(told);

  it.each([
    ['the receipt of another action with the same id, class and operation', { ...gatewayAnswer(other), proposal: signedFor(other) }],
    ['a receipt of another payload', { ...answer, proposal: signedFor(other) }],
    ['no payload at all', answer],
    ['a payload that is no canonical JSON', { ...answer, proposal: base64(utf8('{')) }],
    ['a payload that is no base64', { ...answer, proposal: '!' }],
  ])('refuses %s', async (_, given) => {
    const asked = proposerOf({ ...told, trust: given.receipt === answer.receipt ? told.trust : other.trust }, given).propose(told.body, {
      id: 'x',
    });
    await expect(asked).rejects.toMatchObject({ name: 'Unavailable', code: 'RECEIPT_UNVERIFIED', next: 'retry' });
  });
});

describe('a gateway that lies about a decision is not believed', () => {
  const refused = tell({ asks: { class: 'unknown' } });
  const shadow = tell({ asks: { mode: 'shadow' } });
  const permit = permitOf(tell({}).decision.statement.predicate);

  it.each([
    ['a denial for another reason', refused, { reasons: ['DENY_RATE'] }],
    ['a denial for no reason', refused, { reasons: [] }],
    ['an escalation for another reason', tell({ asks: HIGH }), { reasons: ['ESCALATE_OTHER'] }],
    ['a permit with what would have been allowed', shadow, { permit }],
  ])('%s', async (_, told, change) => {
    const found = proposerOf(told, { ...gatewayAnswer(told), ...change }).find(told.body, { id: 'x' });
    await expect(found).rejects.toMatchObject({ name: 'Unavailable', code: 'RECEIPT_UNVERIFIED', next: 'retry' });
  });
});

describe('a gateway that lies about an approval is not believed', () => {
  const approved = tell({ asks: HIGH, then: vote('approve') });
  const denied = tell({ asks: HIGH, then: vote('deny') });
  const answer = gatewayAnswer(approved);
  /** Its id is free again when nothing can follow from it any more, for what is first asked for later: people are asked anew. */
  const asked = tell({ asks: HIGH, then: askedAgain });
  const again = asked.lane.entries.filter(({ kind }) => kind === 'action.decided')[1] ?? asked.decision;
  const settled = (change: object) => ({ ...answer, settlement: { ...settlementOf(approved), ...change } });
  const own = permitOf((approved.settlement ?? approved.decision).statement.predicate);
  const permit = { ...own, executors: ['mallory'], executeBy: '2099-01-01T00:00:00.000Z' };

  it.each([
    [
      'a denial called an approval',
      { ...gatewayAnswer(denied), settlement: { ...settlementOf(denied), outcome: 'ALLOW_APPROVED', permit } },
      {},
    ],
    ['the receipt of the escalation itself', settled({ receipt: answer.receipt }), {}],
    ['another index', settled({ index: '0' }), {}],
    ['another permit', settled({ permit }), {}],
    ['a permit from another time on', settled({ permit: { ...own, notBefore: '2026-01-01T00:00:00.000Z' } }), {}],
    ['a permit from no time on', settled({ permit: { ...own, notBefore: undefined } }), {}],
    ['a permit that owes something else', settled({ permit: { ...own, obligations: ['state-hash'] } }), {}],
    ['a permit that no text can spell', settled({ permit: { ...own, executors: ['\ud800'] } }), {}],
    ['another outcome', settled({ outcome: 'DENY_HUMAN' }), {}],
    ['the approval of an earlier time that it was asked', gatewayAnswer({ ...asked, decision: again }), {}],
    ['an approval of another action', answer, { operation: 'drop' }],
    ['an approval for another actor', answer, { actor: { kind: 'agent', id: 'other' } }],
  ])('%s', async (_, said, change) => {
    const found = proposerOf(approved, said).find({ ...approved.body, ...change } as ProposalBody, { id: 'x' });
    await expect(found).rejects.toMatchObject({ name: 'Unavailable', code: 'RECEIPT_UNVERIFIED', next: 'retry' });
  });

  it.each([
    ['half a settlement', settled({ receipt: undefined })],
    ['no settlement at all', { ...answer, settlement: null }],
    ['the settlement of what was not escalated', { ...answer, verdict: 'ALLOW' }],
  ])('%s', async (_, said) => {
    await expect(proposerOf(approved, said).find(approved.body, { id: 'x' })).rejects.toMatchObject({ code: 'ANSWER_MALFORMED' });
  });
});
