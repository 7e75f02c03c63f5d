import { describe, expect, it } from 'vitest';

import { ed25519PublicKey, ed25519Verify, sha256Hex } from '#crypto';
import { type BaseOffset, BrokerUnavailable, codecs, type OutgoingRecord } from '#adapters';
import { type Json, pae } from '#domain';

import { HttpProposer, KafkaProposer, type ProposalBody } from './index.ts';

const body = { actor: { kind: 'agent', id: 'a' }, class: 'c', operation: 'o', parameters: {}, resource: { type: 't', id: 'i' } } as const;
const seed = new Uint8Array(32).fill(5);
const circular = (): ProposalBody['parameters'] => {
  const parameters: Record<string, Json> = {};
  parameters['self'] = parameters;
  return parameters;
};

function kafka(send: (records: readonly OutgoingRecord[]) => Promise<BaseOffset[]>): KafkaProposer {
  const options = {
    brokers: ['127.0.0.1:1'],
    ledger: 'l',
    birth: '0'.repeat(64),
    tenant: 'acme',
    lane: 1,
    issuer: 'platform',
    seed,
    topicPrefix: 'p.',
    nowMs: () => 0,
  };
  return KafkaProposer.open(options, { send, close: () => Promise.resolve() });
}

describe('kafka proposer', () => {
  it('signs the payload, on the tenant’s lane, and says where it is', async () => {
    const sent: OutgoingRecord[] = [];
    const proposer = kafka((records) => {
      sent.push(...records);
      return Promise.resolve([{ topic: 'p.actions', partition: 1, baseOffset: 7n, appendTimeMs: 0 }]);
    });
    const published = await proposer.propose(body, { id: 'x', askedAt: new Date(0) });
    const [record] = sent;
    expect([record?.topic, record?.partition, record?.key?.toString()]).toEqual(['p.actions', 1, 'acme']);
    const envelope = codecs.signedEnvelope.decode(record?.value ?? Buffer.alloc(0));
    expect(published).toEqual({ id: 'x', topic: 'actions', partition: 1, offset: 7n, digest: sha256Hex(envelope.payload) });
    expect(ed25519Verify(ed25519PublicKey(seed), pae(envelope.payloadType, envelope.payload), envelope.signature)).toBe(true);
    expect(JSON.parse(Buffer.from(envelope.payload).toString())).toMatchObject({
      tenant: 'acme',
      issuer: 'platform',
      id: 'x',
      askedAt: '1970-01-01T00:00:00.000Z',
      expiresAt: '1970-01-01T00:05:00.000Z',
    });
  });

  it('says in each copy of an action when it was first asked for, and lets none of them outlive that by more than the window', async () => {
    const payloads: unknown[] = [];
    const proposer = kafka(([record]) => {
      const { payload } = codecs.signedEnvelope.decode(record?.value ?? Buffer.alloc(0));
      payloads.push(JSON.parse(Buffer.from(payload).toString()));
      return Promise.resolve([{ topic: 'p.actions', partition: 1, baseOffset: 7n, appendTimeMs: 0 }]);
    });
    for (const minutes of [0, -14]) await proposer.propose(body, { id: 'x', askedAt: new Date(minutes * 60_000) });
    expect(payloads).toMatchObject([
      { askedAt: '1970-01-01T00:00:00.000Z', expiresAt: '1970-01-01T00:05:00.000Z' },
      { askedAt: '1969-12-31T23:46:00.000Z', expiresAt: '1970-01-01T00:01:00.000Z' },
    ]);
  });

  it('says Unavailable, with the id to repeat, when nothing was acknowledged', async () => {
    const away = kafka(() => Promise.reject(new BrokerUnavailable('away')));
    await expect(away.propose(body, { id: 'x', askedAt: new Date(0) })).rejects.toMatchObject({
      name: 'Unavailable',
      code: 'BROKER_UNAVAILABLE',
      next: 'retry',
      id: 'x',
    });
    await expect(kafka(() => Promise.resolve([])).propose(body)).rejects.toMatchObject({ name: 'Unavailable', code: 'NO_OFFSET' });
  });

  it.each([
    ['an unknown member', { ...body, tenant: 'globex' }, {}],
    ['an id that is no identifier', body, { id: 'a b', askedAt: new Date(0) }],
    ['an id of its own without a time', body, JSON.parse('{"id":"x"}') as object],
    ['more than a quarter of an hour', body, { expiresInMs: 900_001 }],
    ['a bigint', { ...body, parameters: { external_id: 9007199254740993n as unknown as string } }, {}],
    ['an integer that may have been rounded', { ...body, parameters: { ids: [2 ** 53 + 2] } }, {}],
    ['a number that JSON has not', { ...body, parameters: { rate: NaN } }, {}],
    ['an object that holds itself', { ...body, parameters: circular() }, {}],
    ['what exceeds 128 KiB', { ...body, parameters: { a: 'x'.repeat(131_072) } }, {}],
  ])('refuses %s before anything is sent', async (_, given, options) => {
    const proposer = kafka(() => Promise.reject(new Error('sent')));
    await expect(proposer.propose(given, options)).rejects.toMatchObject({ name: 'Denied', code: 'DENY_MALFORMED', next: 'ask again' });
  });
});

describe('http proposer', () => {
  const answering = (status: number, answer: unknown): HttpProposer =>
    new HttpProposer({
      url: 'http://gateway',
      token: 't',
      fetch: () => Promise.resolve(new Response(JSON.stringify(answer), { status })),
      nowMs: () => Date.parse('2026-01-01T00:05:00.000Z'),
    });
  it.each([
    ['a bigint', { ...body, parameters: { external_id: 9007199254740993n as unknown as string } }, 'parameters.external_id is a bigint'],
    [
      'an integer that may have been rounded',
      { ...body, parameters: { ids: [2 ** 53 + 2] } },
      'parameters.ids.0 is an integer beyond 2^53',
    ],
    ['NaN, which would be sent as null', { ...body, parameters: { rate: NaN } }, 'parameters.rate is NaN'],
  ])('refuses %s before anything is sent, and says which member', async (_, given, message) => {
    const proposer = new HttpProposer({ url: 'http://gateway', token: 't', fetch: () => Promise.reject(new Error('sent')) });
    await expect(proposer.propose(given)).rejects.toMatchObject({
      name: 'Denied',
      code: 'DENY_MALFORMED',
      message: expect.stringContaining(message) as string,
    });
  });
  const decided = (members: object) => ({
    ...{ id: 'x', state: 'decided', verdict: 'ALLOW', reasons: [], index: '1', receipt: 'r' },
    permit: permitUntil('2026-01-01T00:05:00.001Z'),
    ...members,
  });
  const settled = (outcome: string) =>
    decided({ verdict: 'ESCALATE', permit: undefined, settlement: { outcome, index: '2', receipt: 's' } });
  const permitUntil = (executeBy: string) => ({ executors: ['e'], notBefore: '2026-01-01T00:00:00.000Z', executeBy });

  it.each([
    ['202', 202, {}, 'Pending', 'PENDING', 'wait'],
    ['a denial', 200, decided({ verdict: 'DENY', reasons: ['DENY_CONTRACT'] }), 'Denied', 'DENY_CONTRACT', 'ask again'],
    ['a late one', 200, decided({ verdict: 'DENY', reasons: ['DENY_EXPIRED'] }), 'Expired', 'DENY_EXPIRED', 'ask again'],
    [
      'an escalation',
      200,
      decided({ verdict: 'ESCALATE', reasons: ['ESCALATE_APPROVAL_REQUIRED'] }),
      'Pending',
      'ESCALATE_APPROVAL_REQUIRED',
      'wait',
    ],
    ['one that ended', 200, settled('EXPIRED_NO_DECISION'), 'Expired', 'EXPIRED_NO_DECISION', 'ask again'],
    ['one that people denied', 200, settled('DENY_HUMAN'), 'Denied', 'DENY_HUMAN', 'stop'],
    ['an end that it does not know', 200, settled('ALLOW_NEW'), 'Denied', 'ALLOW_NEW', 'stop'],
    ['an approval without a permit', 200, settled('ALLOW_APPROVED'), 'Unavailable', 'ANSWER_MALFORMED', 'retry'],
    ['half an end', 200, { ...settled('DENY_HUMAN'), settlement: { outcome: 'DENY_HUMAN' } }, 'Unavailable', 'ANSWER_MALFORMED', 'retry'],
    ['a shadow verdict that was not asked for', 200, decided({ verdict: 'WOULD_ALLOW' }), 'Denied', 'WOULD_ALLOW', 'stop'],
    ['a word it does not know', 200, decided({ verdict: 'allow' }), 'Denied', 'allow', 'stop'],
    [
      'an ALLOW whose permit is over',
      200,
      decided({ permit: permitUntil('2026-01-01T00:05:00.000Z') }),
      'Expired',
      'PERMIT_EXPIRED',
      'ask again',
    ],
    ['a permit until no time at all', 200, decided({ permit: permitUntil('soon') }), 'Expired', 'PERMIT_EXPIRED', 'ask again'],
    [
      'a permit from no time on',
      200,
      decided({ permit: { executors: ['e'], executeBy: '2099-01-01T00:00:00.000Z' } }),
      'Unavailable',
      'ANSWER_MALFORMED',
      'retry',
    ],
    ['an ALLOW without a permit', 200, decided({ permit: undefined }), 'Unavailable', 'ANSWER_MALFORMED', 'retry'],
    ['another action', 200, decided({ id: 'y' }), 'Unavailable', 'ANSWER_MALFORMED', 'retry'],
    ['half an answer', 200, { verdict: 'ALLOW' }, 'Unavailable', 'ANSWER_MALFORMED', 'retry'],
    ['no object', 200, 'ALLOW', 'Unavailable', 'GATEWAY_UNAVAILABLE', 'retry'],
    ['a refusal', 403, { code: 'ROLE_MISSING', detail: 'd' }, 'Denied', 'ROLE_MISSING', 'stop'],
    ['a refusal that no gateway of ours gives', 429, {}, 'Denied', 'HTTP_429', 'stop'],
    ['a fault of Kafka', 503, { code: 'TOPIC_AUTHORIZATION_FAILED', detail: 'd' }, 'Unavailable', 'TOPIC_AUTHORIZATION_FAILED', 'retry'],
    ['overload', 503, { code: 'OVERLOADED', detail: 'd' }, 'Unavailable', 'OVERLOADED', 'retry'],
    ['a redirect that slipped through', 302, {}, 'Unavailable', 'HTTP_302', 'retry'],
  ])('%s is no yes', async (_, status, answer, name, code, next) => {
    await expect(answering(status, answer).propose(body, { id: 'x' })).rejects.toMatchObject({ name, code, next });
  });

  it('takes an ALLOW while its permit lasts', async () => {
    expect(await answering(200, decided({})).propose(body, { id: 'x' })).toMatchObject({ verdict: 'ALLOW' });
  });

  it('looks an action up without proposing it, and waits for one that is not decided', async () => {
    const asked: [string, string | undefined][] = [];
    const fetch = (url: unknown, init?: RequestInit) => {
      asked.push([url instanceof URL ? url.href : '', init?.method]);
      return Promise.resolve(Response.json({ id: 'x/1', state: 'pending' }));
    };
    const proposer = new HttpProposer({ url: 'http://gateway', token: 't', fetch });
    await expect(proposer.find(body, { id: 'x/1' })).rejects.toMatchObject({ name: 'Pending', code: 'PENDING', id: 'x/1' });
    expect(asked).toEqual([['http://gateway/v1/actions/x%2F1', undefined]]);
  });

  it('takes a shadow verdict in shadow mode, and never an enforced one', async () => {
    const shadow = { ...body, mode: 'shadow' } as const;
    expect(await answering(200, decided({ verdict: 'WOULD_DENY' })).propose(shadow, { id: 'x' })).toMatchObject({ verdict: 'WOULD_DENY' });
    await expect(answering(200, decided({})).propose(shadow, { id: 'x' })).rejects.toMatchObject({ name: 'Denied' });
  });
});
