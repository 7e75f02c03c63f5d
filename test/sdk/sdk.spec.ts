import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { codecs, PlainWriter } from '#adapters';
import { laneOf } from '#domain';
import {
  demandAllowed,
  Denied,
  executor,
  HttpProposer,
  KafkaProposer,
  Pending,
  type Rejection,
  Unavailable,
  type VerifiedVerdict,
} from '#sdk';

import { answer, recordWrite, refund, startSystem, type System } from '../gateway/system.ts';
import { expectLedgerValid } from '../support/expect-valid.ts';
import { readAll, unique, until } from '../support/kafka.ts';
import { LaneReader } from '../../libs/adapters/src/kafka/index.ts';

const brokers = inject('brokers');
const TENANT = 'acme';
const lane = laneOf(TENANT, 2);
let system: System;
let trust: string;

beforeAll(async () => {
  system = await startSystem(brokers, 'sdk');
  const headers = { authorization: `Bearer ${system.home.token(TENANT) ?? ''}` };
  trust = (await system.gateway.server.inject({ url: `/v1/trust/${TENANT}`, headers })).body;
});
afterAll(() => system.close());

const kafkaProposer = (): KafkaProposer => {
  const { name, topicPrefix, initialised } = system.home.config;
  const issuer = `platform-${TENANT}`;
  return KafkaProposer.open({
    brokers,
    ledger: name,
    birth: initialised.sha256,
    tenant: TENANT,
    lane,
    issuer,
    seed: system.home.key(issuer),
    topicPrefix,
  });
};
const httpProposer = (given: Partial<ConstructorParameters<typeof HttpProposer>[0]> = {}): HttpProposer =>
  new HttpProposer({ url: `http://127.0.0.1:${system.gateway.port}`, token: system.home.token(TENANT) ?? '', trust, ...given });

async function follow(from: 'now' | readonly bigint[], trusted = trust) {
  const verdicts: VerifiedVerdict[] = [];
  const rejected: Rejection[] = [];
  const { topicPrefix, lanes } = system.home.config;
  const subscription = await executor.onVerdict(
    { brokers, trust: { [TENANT]: trusted }, lanes, topicPrefix, from, onRejected: (rejection) => rejected.push(rejection) },
    (verdict) => {
      verdicts.push(verdict);
    },
  );
  return { verdicts, rejected, subscription };
}

describe('proposing over kafka, following verdicts', () => {
  it('delivers the verdict with its permit, the proved statement and the proposal', async () => {
    const { verdicts, subscription } = await follow('now');
    const proposer = kafkaProposer();
    const asked = { id: unique('write'), askedAt: new Date() };
    const { id, digest } = await proposer.propose(recordWrite, asked);
    const verdict = await until('the verdict comes', () => verdicts.find(({ actionId }) => actionId === id));
    expect(verdict).toMatchObject({
      tenant: TENANT,
      kind: 'action.decided',
      verdict: 'ALLOW',
      permit: { executors: ['crm-writer'] },
      statement: { subject: [{ name: id, digest: { sha256: digest } }], predicate: { source: { topic: 'actions' } } },
      proposal: { id, class: 'record.write', tenant: TENANT },
    });
    await proposer.propose(recordWrite, asked);
    const again = await until('the repetition comes', () => verdicts.find(({ kind }) => kind === 'action.repeated'));
    expect([again.actionId, again.verdict, again.permit]).toEqual([id, '', null]);
    await Promise.all([proposer.close(), subscription.close()]);
    await subscription.done;
  });

  it('never hands over what does not verify, and goes on behind it', async () => {
    const topic = system.home.topic('verdicts');
    const reader = await LaneReader.open({ brokers, clientId: 'test' });
    const last = (await readAll(reader, topic, lane))
      .map(({ value }) => codecs.verdict.decode(value ?? Buffer.alloc(0)))
      .find(({ verdict }) => verdict === 'ALLOW');
    await reader.close();
    if (!last) throw new Error('no verdict to tamper with');
    const { verdicts, rejected, subscription } = await follow('now');
    const receipt = Uint8Array.from(last.receipt);
    receipt[receipt.length - 10] = (receipt[receipt.length - 10] ?? 0) ^ 1;
    const forged = [
      Buffer.from('not avro'),
      codecs.verdict.encode({ ...last, receipt }),
      codecs.verdict.encode({ ...last, verdict: 'DENY' }),
      codecs.verdict.encode({ ...last, actionId: 'another' }),
      codecs.verdict.encode({ ...last, leafIndex: last.leafIndex + 1 }),
      codecs.verdict.encode({ ...last, origin: 'other/t/log' }),
      codecs.verdict.encode({ ...last, proposal: Buffer.from('{}') }),
    ];
    const writer = PlainWriter.open({ brokers, clientId: 'test' });
    await writer.send(forged.map((value) => ({ topic, partition: lane, key: null, value })));
    await writer.close();
    const proposer = kafkaProposer();
    const { id } = await proposer.propose(recordWrite);
    await until('the honest verdict comes', () => verdicts.some(({ actionId }) => actionId === id));
    expect(verdicts.map(({ actionId }) => actionId)).toEqual([id]);
    expect(rejected.map(({ code }) => code)).toEqual(['UNREADABLE', 'RECEIPT', 'COPIES', 'COPIES', 'COPIES', 'ORIGIN', 'PROPOSAL']);
    await Promise.all([proposer.close(), subscription.close()]);
  });

  it('rejects everything with another key’s trust file, and goes on from kept positions', async () => {
    const other = (
      await system.gateway.server.inject({
        url: '/v1/trust/globex',
        headers: { authorization: `Bearer ${system.home.token('globex') ?? ''}` },
      })
    ).body;
    const { verdicts, rejected, subscription } = await follow([0n, 0n], other);
    await until('rejections come', () => rejected.length > 0);
    await subscription.close();
    expect([verdicts, rejected[0]?.code]).toEqual([[], 'ORIGIN']);
    const end = subscription.positions;
    const later = await follow(end);
    expect(later.subscription.positions).toEqual(end);
    await later.subscription.close();
  });

  it('ends with what the handler threw, and does not count the verdict as handled', async () => {
    const { topicPrefix, lanes } = system.home.config;
    const subscription = await executor.onVerdict(
      { brokers, trust: { [TENANT]: trust }, lanes, topicPrefix, from: [0n, 0n], onRejected: () => undefined },
      () => {
        throw new Error('handler failed');
      },
    );
    await expect(subscription.done).rejects.toThrow('handler failed');
    expect(subscription.positions[lane]).toBe(0n);
  });
});

describe('proposing over http', () => {
  it('resolves with an allowed action, proved by its receipt', async () => {
    expect(await httpProposer().propose(recordWrite)).toMatchObject({ verdict: 'ALLOW', permit: { executors: ['crm-writer'] } });
  });
  it('throws Denied with the ledger’s reasons', async () => {
    const elsewhere = { ...recordWrite, parameters: { ...recordWrite.parameters, tenantId: 'globex' } };
    await expect(httpProposer().propose(elsewhere)).rejects.toMatchObject({ name: 'Denied', code: 'DENY_TENANT_SCOPE', next: 'stop' });
  });
  it('resolves in shadow mode with what would have been decided, and never a permit', async () => {
    const decision = await httpProposer().propose({ ...recordWrite, mode: 'shadow' });
    expect([decision.verdict, decision.permit]).toEqual(['WOULD_ALLOW', undefined]);
  });
  it('throws Pending when it did not wait', async () => {
    await expect(httpProposer().propose(recordWrite, { waitMs: 0 })).rejects.toBeInstanceOf(Pending);
  });
  it('throws Denied for a bad token, Unavailable when nobody listens', async () => {
    await expect(httpProposer({ token: 'cs_none' }).propose(recordWrite)).rejects.toMatchObject({
      name: 'Denied',
      code: 'TOKEN_UNKNOWN',
      next: 'stop',
    });
    await expect(httpProposer({ url: 'http://127.0.0.1:1' }).propose(recordWrite)).rejects.toBeInstanceOf(Unavailable);
  });
  it('believes no answer whose receipt is of another log, or another action', async () => {
    const other = (
      await system.gateway.server.inject({
        url: '/v1/trust/globex',
        headers: { authorization: `Bearer ${system.home.token('globex') ?? ''}` },
      })
    ).body;
    await expect(httpProposer({ trust: other }).propose(recordWrite)).rejects.toMatchObject({
      name: 'Unavailable',
      code: 'RECEIPT_UNVERIFIED',
    });
    const { receipt, index, reasons } = await httpProposer().propose(recordWrite, { id: unique('first') });
    const lies = (answer: object) => ({ fetch: () => Promise.resolve(Response.json(answer)) });
    const replayed = { id: 'second', verdict: 'ALLOW', reasons, index, receipt };
    await expect(httpProposer(lies(replayed)).propose(recordWrite, { id: 'second' })).rejects.toMatchObject({ code: 'RECEIPT_UNVERIFIED' });
    await expect(httpProposer(lies({ ...replayed, receipt: '' })).propose(recordWrite, { id: 'second' })).rejects.toBeInstanceOf(
      Unavailable,
    );
  });
  it('refuses a malformed body before it is sent', async () => {
    await expect(httpProposer().propose({ ...recordWrite, tenant: 'globex' } as never)).rejects.toBeInstanceOf(Denied);
  });
});

describe('what people are asked', () => {
  /** Asks, lets ben answer, and waits until both ways know of it. */
  async function answered(vote: 'approve' | 'deny') {
    const { verdicts, subscription } = await follow('now');
    const id = unique(vote);
    const asked = await httpProposer()
      .propose(refund, { id })
      .catch((error: unknown) => error);
    if (!(asked instanceof Pending)) throw new Error('nobody was asked', { cause: asked });
    expect([asked.code, asked.next]).toEqual(['ESCALATE_APPROVAL_REQUIRED', 'wait']);
    await answer(system.home, brokers, asked.receipt ?? '', vote, trust);
    const settled = await until('it is settled', () =>
      verdicts.find(({ kind, actionId }) => kind === 'escalation.settled' && actionId === id),
    );
    await subscription.close();
    const found = (): Promise<unknown> =>
      httpProposer()
        .find(refund, { id })
        .catch((error: unknown) => error);
    const outcome = await until('the gateway knows', async () => {
      const told = await found();
      return told instanceof Pending ? undefined : { told };
    });
    return { id, settled, told: outcome.told };
  }

  it('and approve: the permit, with the settlement’s own receipt, over HTTP as over Kafka', async () => {
    const { id, settled, told } = await answered('approve');
    const decision = demandAllowed(settled);
    expect(decision).toMatchObject({ id, verdict: 'ALLOW_APPROVED', permit: settled.permit, receipt: settled.receipt });
    expect(decision.permit?.notBefore).toBe(settled.statement.predicate.decidedAt);
    expect(told).toEqual(decision);
    expect(await httpProposer().propose(refund, { id })).toEqual(told);
  });

  it('and deny: a denial of theirs, with what to do next', async () => {
    const { settled, told } = await answered('deny');
    const denied = { name: 'Denied', code: 'DENY_HUMAN', next: 'stop', receipt: settled.receipt };
    expect(told).toMatchObject(denied);
    expect(() => demandAllowed(settled)).toThrow(expect.objectContaining(denied));
  });
});

it('the whole ledger is valid', () => expectLedgerValid(system.home, brokers));
