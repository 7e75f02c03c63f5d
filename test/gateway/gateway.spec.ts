import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { codecs, type ControlRecord, issueToken, PlainWriter, publishControls, revokeToken, type Home, type TokenOptions } from '#adapters';
import { formatTrust, laneOf, parseTrust, sealEnvelope, utf8, verifyCheckpoint, verifyReceipt } from '#domain';

import { start as startGateway, type Gateway } from '../../apps/gateway/src/app.ts';
import { expectLedgerValid } from '../support/expect-valid.ts';
import { until } from '../support/kafka.ts';
import { answer, recordWrite as write, refund, startSystem, type System } from './system.ts';

const brokers = inject('brokers');
let system: System;
let home: Home;
let gateway: Gateway;

beforeAll(async () => {
  system = await startSystem(brokers, 'gateway');
  ({ home, gateway } = system);
});
afterAll(() => system.close());

const bearerOf = (tenant: string): string => home.token(tenant) ?? '';
interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT';
  readonly url?: string;
  readonly bearer?: string;
  readonly body?: unknown;
  readonly raw?: string | Buffer;
  readonly type?: string;
}
async function call({ method = 'POST', url = '/v1/actions', bearer = bearerOf('acme'), body, raw, type = 'application/json' }: Call) {
  const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const headers = {
    ...(bearer === '' ? {} : { authorization: `Bearer ${bearer}` }),
    ...(payload === undefined ? {} : { 'content-type': type }),
  };
  const answer = await gateway.server.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
  const isJson = String(answer.headers['content-type']).includes('json');
  return {
    status: answer.statusCode,
    json: isJson ? answer.json<Record<string, unknown>>() : {},
    text: answer.body,
    headers: answer.headers,
  };
}
const get = (url: string, bearer?: string) => call({ method: 'GET', url, ...(bearer === undefined ? {} : { bearer }) });
const code = async (given: Call): Promise<unknown[]> => {
  const { status, json, headers } = await call(given);
  expect(headers['content-type']).toContain('application/problem+json');
  expect(json['next']).toMatch(/^(stop|retry|ask again)$/);
  return [status, json['code']];
};

/** Of the entry that a verified receipt proves. */
async function decidedAtOf(shown: unknown): Promise<string> {
  const trust = parseTrust((await get('/v1/trust/acme')).text);
  const { receipt } = shown as { readonly receipt: string };
  const { statement } = verifyReceipt(utf8(receipt), { origin: trust.log.name, verifier: trust.log, trust });
  return (statement as unknown as { predicate: { decidedAt: string } }).predicate.decidedAt;
}

async function publish(control: ControlRecord): Promise<void> {
  const writer = PlainWriter.open({ brokers, clientId: 'test' });
  await publishControls(home, writer, [control]);
  await writer.close();
}
async function issue(options: Partial<TokenOptions> = {}): Promise<{ bearer: string; tokenId: string }> {
  const { envelope, ...issued } = issueToken(home, {
    tenant: 'acme',
    roles: ['propose', 'read'],
    ...(options.roles?.includes('propose') === false ? {} : { actors: [{ kind: 'agent' as const, id: '*' }] }),
    validUntilMs: Date.now() + 3_600_000,
    ...options,
  });
  await publish(envelope);
  return issued;
}

describe('proposing over http', () => {
  it('answers with the verdict and a receipt that verifies with the tenant’s trust file', async () => {
    const { status, json } = await call({ url: '/v1/actions?wait=30s', body: { ...write, id: 'write-1' } });
    expect([status, json['state'], json['verdict'], json['reasons']]).toEqual([200, 'decided', 'ALLOW', ['ALLOW_POLICY']]);
    expect(json).not.toHaveProperty('next');
    const trust = parseTrust((await get('/v1/trust/acme')).text);
    const { statement } = verifyReceipt(utf8(String(json['receipt'])), { origin: trust.log.name, verifier: trust.log });
    expect(statement).toMatchObject({
      subject: [{ name: 'write-1' }],
      predicate: { verdict: 'ALLOW', issuer: 'gateway', index: json['index'] },
    });
  });

  it('answers 202 at once without wait, and finds the verdict later', async () => {
    const { status, json, headers } = await call({ body: { ...write, id: 'write-2' } });
    expect(status).toBe(202);
    expect(json).toMatchObject({
      id: 'write-2',
      state: 'pending',
      lane: laneOf('acme', 2),
      digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
    expect([json['offset'], json['partition']]).toEqual([undefined, undefined]); // they would tell the volume of the lane
    const decided = await until('write-2 is decided', async () => {
      const answer = await get(String(headers.location));
      expect(answer.status).toBe(200);
      return answer.json['state'] === 'decided' ? answer.json : undefined;
    });
    expect(decided).toMatchObject({ id: 'write-2', verdict: 'ALLOW', permit: { notBefore: decided['decidedAt'], revert: 'snapshot' } });
    const byPlace = await get((json['links'] as { receipt: string }).receipt);
    expect([byPlace.status, byPlace.text]).toEqual([200, decided['receipt']]);
    expect((await get(`/v1/receipts/acme/${decided['index'] as string}`)).text).toBe(decided['receipt']);
  });

  it('decides an id once: repeated it is the first decision, with other content a conflict', async () => {
    const url = '/v1/actions?wait=30s';
    const first = await call({ url, body: { ...write, id: 'write-3' } });
    const again = await call({ url, body: { ...write, id: 'write-3' } });
    expect([again.json['index'], again.json['repeats'], again.json['receipt']]).toEqual([
      first.json['index'],
      first.json['index'],
      first.json['receipt'],
    ]);
    const other = await call({ url, body: { ...write, id: 'write-3', justification: 'another' } });
    expect([other.json['verdict'], other.json['reasons'], other.json['next']]).toEqual(['DENY', ['DENY_CONFLICT'], 'ask again']);
    expect((await get('/v1/actions/write-3')).json['index']).toBe(first.json['index']);
  });

  it('denies an action aimed at another tenant', async () => {
    const body = { ...write, id: 'write-4', parameters: { ...write.parameters, tenantId: 'globex' } };
    const { json } = await call({ url: '/v1/actions?wait=30s', body });
    expect([json['verdict'], json['reasons'], json['next']]).toEqual(['DENY', ['DENY_TENANT_SCOPE'], 'stop']);
    expect(json['proofs']).toEqual(['decision receipt', 'tenant-scoped denial receipt']);
    const shadow = await call({ url: '/v1/actions?wait=30s', body: { ...body, id: 'write-4-shadow', mode: 'shadow' } });
    expect([shadow.json['verdict'], shadow.json['next']]).toEqual(['WOULD_DENY', undefined]); // nothing was asked for
  });

  it.each([
    ['approve', 'ALLOW_APPROVED', undefined, { executors: ['payments-operator'] }],
    ['deny', 'DENY_HUMAN', 'stop', undefined],
  ] as const)('tells how people ended an escalation: %s', async (word, outcome, next, permit) => {
    const id = `refund-${word}`;
    const { json } = await call({ url: '/v1/actions?wait=30s', body: { ...refund, id } });
    expect([json['verdict'], json['next'], json['settlement']]).toEqual(['ESCALATE', undefined, undefined]);
    expect(json['proofs']).toEqual(['decision receipt', 'escalation queue entry']);
    await answer(home, brokers, String(json['receipt']), word, (await get('/v1/trust/acme')).text);
    const settled = await until('it is settled', async () => {
      const found = await get(`/v1/actions/${id}`);
      return found.json['state'] === 'settled' ? found.json : undefined;
    });
    expect([settled['verdict'], settled['next'], settled['permit']]).toEqual(['ESCALATE', next, undefined]);
    expect(settled['settlement']).toMatchObject({
      outcome,
      proofs: ['escalation.settled receipt'],
      receipt: expect.stringContaining('tlog-proof') as unknown,
      ...(permit && { permit: { ...permit, notBefore: await decidedAtOf(settled['settlement']) } }),
    });
    expect(Object.hasOwn(Object(settled['settlement']) as object, 'permit')).toBe(permit !== undefined);
    expect((await call({ url: '/v1/actions?wait=30s', body: { ...refund, id } })).json).toEqual({ ...settled, repeats: json['index'] });
  });

  it('draws an id when none is given', async () => {
    const { status, json } = await call({ body: write });
    expect([status, typeof json['id']]).toEqual([202, 'string']);
  });
});

describe('what the body may say', () => {
  it.each(['tenant', 'issuer', 'keyid', 'ledger', 'expiresAt', 'issuedAt', 'blind'])(
    'refuses %s: it comes from the credential',
    async (member) => {
      expect(await code({ body: { ...write, [member]: 'globex' } })).toEqual([400, 'MEMBER_NOT_YOURS']);
    },
  );
  it.each([
    ['an array', '[]', 400, 'BODY_MALFORMED'],
    ['nothing', '', 400, 'JSON_INVALID'],
    ['no json', '{', 400, 'JSON_INVALID'],
    ['two members of one name', '{"class":"a","class":"b"}', 400, 'JSON_DUPLICATE_KEY'],
    ['a lone surrogate', '{"class":"\\ud800"}', 400, 'JSON_LONE_SURROGATE'],
    ['a raw NUL', '{"class":"\u0000"}', 400, 'JSON_INVALID'],
    ['a number beyond a double', '{"class":1e999}', 400, 'JSON_NUMBER'],
    ['an integer that would be rounded', '{"parameters":{"external_id":9007199254740993}}', 400, 'JSON_NUMBER'],
    ['a number that would become 0', '{"parameters":{"rate":1e-400}}', 400, 'JSON_NUMBER'],
    ['nesting to depth 10,000', `${'['.repeat(10_000)}${']'.repeat(10_000)}`, 400, 'JSON_DEPTH'],
    ['more than 128 KiB', `{"class":"${'a'.repeat(128 * 1024)}"}`, 413, 'BODY_TOO_LARGE'],
    ['invalid utf-8', Buffer.from([0x22, 0xff, 0x22]), 400, 'JSON_UTF8'],
  ])('refuses %s', async (_, raw, status, expected) => {
    expect(await code({ raw })).toEqual([status, expected]);
  });
  it('refuses unknown members and values outside the schema, without repeating them', async () => {
    const { status, json, text } = await call({ body: { ...write, 'evil\nmember': 1 } });
    expect([status, json['code'], text.includes('evil')]).toEqual([400, 'BODY_MALFORMED', false]);
    expect(await code({ body: { ...write, class: 'with\u0000nul' } })).toEqual([400, 'BODY_MALFORMED']);
    expect(await code({ body: { ...write, expiresIn: 86_401 } })).toEqual([400, 'BODY_MALFORMED']);
    expect(await code({ body: { ...write, id: 'a b' } })).toEqual([400, 'BODY_MALFORMED']);
  });
  it('refuses a body whose signed form exceeds 128 KiB', async () => {
    const body = { ...write, parameters: { ...write.parameters, fields: { note: 'a'.repeat(128 * 1024 - 400) } } };
    expect(await code({ body })).toEqual([413, 'PAYLOAD_TOO_LARGE']);
  });
  it('takes four-byte characters', async () => {
    expect((await call({ body: { ...write, justification: '🛰 ok' } })).status).toBe(202);
  });
  it('demands application/json', async () => {
    expect(await code({ raw: 'class=a', type: 'application/x-www-form-urlencoded' })).toEqual([415, 'MEDIA_TYPE']);
    expect(await code({})).toEqual([415, 'MEDIA_TYPE']);
  });
  it.each(['61s', '10', '-1s', '1h', '10s&wait=1s'])('refuses wait=%s', async (wait) => {
    expect(await code({ url: `/v1/actions?wait=${wait}`, body: write })).toEqual([400, 'QUERY_MALFORMED']);
  });
});

describe('credentials are ledger facts', () => {
  it('refuses a missing, a malformed and an unknown token', async () => {
    expect(await code({ bearer: '', body: write })).toEqual([401, 'TOKEN_MISSING']);
    expect(await code({ bearer: 'with space', body: write })).toEqual([401, 'TOKEN_MISSING']);
    expect(await code({ bearer: `cs_${'a'.repeat(43)}`, body: write })).toEqual([401, 'TOKEN_UNKNOWN']);
  });
  it('demands the role, and an actor that the token may speak for', async () => {
    const reader = await issue({ roles: ['read'] });
    const proposer = await issue({ roles: ['propose'], actors: [{ kind: 'agent', id: 'agent-1' }] });
    await until(
      'the tokens are known',
      async () => (await call({ bearer: proposer.bearer, body: { ...write, actor: { kind: 'agent', id: 'agent-1' } } })).status === 202,
    );
    expect(await code({ bearer: reader.bearer, body: write })).toEqual([403, 'ROLE_MISSING']);
    expect(await code({ bearer: proposer.bearer, body: write })).toEqual([403, 'ACTOR_NOT_ALLOWED']);
    const forBen = { ...write, actor: { kind: 'agent', id: 'agent-1', actingFor: 'ben' } };
    expect(await code({ bearer: proposer.bearer, body: forBen })).toEqual([403, 'ACTOR_NOT_ALLOWED']);
    expect(await code({ method: 'GET', url: '/v1/trust/acme', bearer: proposer.bearer })).toEqual([403, 'ROLE_MISSING']);
  });
  it('refuses a revoked token', async () => {
    const { bearer, tokenId } = await issue();
    await until('the token is known', async () => (await get('/v1/trust/acme', bearer)).status === 200);
    await publish(revokeToken(home, 'acme', tokenId));
    await until('the token is revoked', async () => (await get('/v1/trust/acme', bearer)).status === 401);
    expect(await code({ bearer, body: write })).toEqual([401, 'TOKEN_REVOKED']);
  });
});

describe('reading', () => {
  it('hides other tenants', async () => {
    for (const path of ['receipts/globex/0', 'checkpoints/globex', 'trust/globex', 'trust/nobody', 'receipts/_system.0/0']) {
      expect(await code({ method: 'GET', url: `/v1/${path}` })).toEqual([404, 'NOT_FOUND']);
    }
    const { json } = await call({ url: '/v1/actions?wait=30s', body: { ...write, id: 'secret' } });
    expect((await get(`/v1/actions/${String(json['id'])}`, bearerOf('globex'))).status).toBe(404);
  });
  it('serves the signed checkpoint and the trust file', async () => {
    const trust = (await get('/v1/trust/acme')).text;
    const { log } = parseTrust(trust);
    expect(formatTrust(log.vkey)).toBe(trust);
    expect(verifyCheckpoint(utf8((await get('/v1/checkpoints/acme')).text), { origin: log.name, verifier: log }).size).toBeGreaterThan(0n);
  });
  it('finds the refusal of a record on the wrong lane, for the tenant that it names only', async () => {
    const lane = 1 - laneOf('acme', 2);
    const now = Date.now();
    const head = { ...home.bound(), tenant: 'acme', issuer: 'platform-acme', id: 'misplaced', issuedAtMs: now, expiresAtMs: now + 60_000 };
    const signing = {
      kind: 'action.proposed',
      body: write,
      head: { ...head, blind: new Uint8Array(32) },
      seed: home.key('platform-acme'),
    } as const;
    const misplaced = codecs.signedEnvelope.encode(sealEnvelope({ ...signing, lane: laneOf('acme', 2) }));
    const writer = PlainWriter.open({ brokers, clientId: 'test' });
    const [base] = await writer.send([{ topic: home.topic('actions'), partition: lane, key: null, value: misplaced }]);
    await writer.close();
    const url = `/v1/receipts?topic=actions&partition=${lane}&offset=${base?.baseOffset ?? ''}`;
    const { text } = await until('the refusal is attested', async () => {
      const answer = await get(url);
      return answer.status === 200 ? answer : undefined;
    });
    expect(text).toContain('c2sp.org/tlog-proof@v1');
    expect((await get(url, bearerOf('globex'))).status).toBe(404);
  });
  it.each([
    'topic=ledger&partition=0&offset=0',
    'topic=actions&partition=x&offset=0',
    'topic=actions&partition=0&offset=-1',
    'topic=actions',
    'digest=x',
    'digest=AB',
  ])('refuses the query %s', async (query) => {
    expect(await code({ method: 'GET', url: `/v1/receipts?${query}` })).toEqual([400, 'QUERY_MALFORMED']);
  });
  it('knows nothing of what is not there', async () => {
    expect(await code({ method: 'GET', url: '/v1/actions/none' })).toEqual([404, 'NOT_FOUND']);
    expect(await code({ method: 'GET', url: '/v1/receipts/acme/999999' })).toEqual([404, 'NOT_FOUND']);
    expect(await code({ method: 'GET', url: '/v1/receipts?topic=actions&partition=0&offset=999999' })).toEqual([404, 'NOT_FOUND']);
    expect(await code({ method: 'PUT', url: '/v1/actions', body: write })).toEqual([405, 'METHOD_NOT_ALLOWED']);
  });
});

describe('a gateway started anew', () => {
  it('answers the same from a rebuilt index', async () => {
    const before = await call({ url: '/v1/actions?wait=30s', body: { ...write, id: 'rebuilt' } });
    const other = await startGateway({ home, brokers, port: 0 });
    try {
      await until('the second gateway is ready', async () => (await other.operator.server.inject('/readyz')).statusCode === 200);
      const answer = await other.server.inject({ url: '/v1/actions/rebuilt', headers: { authorization: `Bearer ${bearerOf('acme')}` } });
      // What was signed is told in the answer to the request alone: later its input is sealed.
      expect({ ...answer.json<object>(), proposal: before.json['proposal'] }).toEqual(before.json);
    } finally {
      await other.close();
    }
  });
});

it('the whole ledger is valid, until somebody writes to it by hand', () => expectLedgerValid(home, brokers));

describe('a hand-made record on the ledger', () => {
  it('halts its lane: readiness says why, nothing more is taken, what was read is shown a little longer', async () => {
    const { json } = await call({ url: '/v1/actions?wait=30s', body: { ...write, id: 'before' } });
    const writer = PlainWriter.open({ brokers, clientId: 'test' });
    await writer.send([
      { topic: home.topic('ledger'), partition: laneOf('acme', 2), key: Buffer.from('acme'), value: Buffer.from('forged') },
    ]);
    await writer.close();
    const ready = await until('readiness says so', async () => {
      const answer = await gateway.operator.server.inject('/readyz');
      return answer.body.includes('RECORD') ? answer : undefined;
    });
    expect([ready.statusCode, JSON.parse(ready.body)]).toMatchObject([200, { status: 'degraded' }]); // the other lane is served
    expect(await code({ body: write })).toEqual([503, 'LANE_HALTED']);
    expect({ ...(await get('/v1/actions/before')).json, proposal: json['proposal'] }).toEqual(json);
  });
});
