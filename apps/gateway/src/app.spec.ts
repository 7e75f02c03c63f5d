import { mkdtempSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { LockedError, openOrCreateHome, type Home } from '#adapters';

import { start, type Gateway } from './app.ts';
import { IndexStore } from './index/index-store.ts';

/** Port 1 is reserved: nobody listens there. */
const NOBODY = ['127.0.0.1:1'];
let home: Home;
let gateway: Gateway;

beforeAll(async () => {
  home = openOrCreateHome(mkdtempSync(join(tmpdir(), 'countersign-')), { name: 'away.test', lanes: 2, topicPrefix: '' }).home;
  gateway = await start({ home, brokers: NOBODY, port: 0 });
});
afterAll(() => gateway.close());

describe('with no broker', () => {
  it('takes no proposal, says why, and when to ask again', async () => {
    const answer = await gateway.server.inject({
      method: 'POST',
      url: '/v1/actions',
      payload: {},
      headers: { authorization: 'Bearer cs_x' },
    });
    expect([answer.statusCode, answer.json<{ code: string }>().code, answer.headers['retry-after']]).toEqual([
      503,
      'BROKER_UNAVAILABLE',
      '2',
    ]);
  });
  it('is alive, and not ready', async () => {
    expect((await gateway.server.inject('/healthz')).statusCode).toBe(200);
    const ready = await gateway.operator.server.inject('/readyz');
    expect([ready.statusCode, ready.json<{ status: string }>().status]).toEqual([503, 'not ready']);
  });
});

describe('a folder for the index', () => {
  it('that another process uses leaves a second gateway with its index in memory', async () => {
    const indexFolder = join(home.folder, 'index');
    const held = new IndexStore({ folder: indexFolder, birth: 'of whoever came first' });
    const second = await start({ home, brokers: NOBODY, port: 0, indexFolder });
    expect((await second.server.inject('/healthz')).statusCode).toBe(200);
    await second.close();
    held.close();
    const third = await start({ home, brokers: NOBODY, port: 0, indexFolder });
    expect(() => new IndexStore({ folder: indexFolder, birth: '' })).toThrow(LockedError);
    await third.close();
    new IndexStore({ folder: indexFolder, birth: '' }).close(); // free again
  });
});

describe('a path that is written another way', () => {
  it.each(['/%761/actions', '/v%31/actions/x', 'http://gateway/v1/trust/acme'])('%s meets the gate as well', async (url) => {
    const answer = await rawly(
      `${url.includes('trust') ? 'GET' : 'POST'} ${url} HTTP/1.1\r\nhost: g\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 (503|404|405) /);
    expect(answer).toContain('application/problem+json');
  });
});

describe('what is no HTTP', () => {
  it('is a problem too, and the connection ends', async () => {
    const answer = await rawly('NONSENSE\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('application/problem+json');
    expect(answer).toContain('"code":"REQUEST_MALFORMED"');
  });
});

/** Sends bytes as they are; the answer until the gateway hangs up. */
async function rawly(request: string): Promise<string> {
  const socket = connect(gateway.port, '127.0.0.1');
  socket.end(request);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

describe('every answer', () => {
  it('has a request id of our own and says how it may be used', async () => {
    const { headers } = await gateway.server.inject({ url: '/healthz', headers: { 'x-request-id': 'mine', 'request-id': 'mine' } });
    expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
    expect(headers).not.toHaveProperty('access-control-allow-origin');
  });
  it.each([
    ['GET', '/nothing', 404, 'NOT_FOUND'],
    ['DELETE', '/healthz', 405, 'METHOD_NOT_ALLOWED'],
    ['GET', '/%zz', 400, 'REQUEST_MALFORMED'],
  ] as const)('%s %s is a problem with a code', async (method, url, status, code) => {
    const answer = await gateway.server.inject({ method, url });
    expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([status, code]);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.body).not.toContain('nothing');
  });
});

/** What a response says that one may do after a no. */
const nextWords = (type: string) => ({
  content: { [type]: { schema: { properties: { next: { enum: ['stop', 'retry', 'ask again'] } } } } },
});

describe('openapi', () => {
  it('is 3.1 and describes every route under /v1, its body and its refusals', async () => {
    const document = (await gateway.server.inject('/openapi.json')).json<Record<string, never>>();
    expect(document).toMatchObject({
      openapi: '3.1.0',
      paths: {
        '/v1/actions': {
          post: {
            requestBody: {
              content: { 'application/json': { schema: { required: expect.arrayContaining(['actor', 'class']) as unknown } } },
            },
            responses: { 200: nextWords('application/json'), 202: {}, 503: nextWords('application/problem+json') },
          },
        },
        '/v1/actions/{id}': { get: {} },
        '/v1/receipts': {
          get: { parameters: expect.arrayContaining([expect.objectContaining({ name: 'offset', in: 'query' })]) as unknown },
        },
        '/v1/receipts/{tenant}/{index}': { get: {} },
        '/v1/checkpoints/{tenant}': { get: {} },
        '/v1/trust/{tenant}': { get: {} },
      },
    });
  });
});

describe('the public port', () => {
  it.each(['/readyz', '/metrics'])('tells nobody %s, which is on a port of its own', async (url) => {
    const answer = await gateway.server.inject(url);
    expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([404, 'NOT_FOUND']);
    expect(gateway.operator.port).not.toBe(gateway.port);
    expect(gateway.operator.server.server.address()).toMatchObject({ address: '127.0.0.1' });
  });
  it('says only that it is up', async () => {
    const { body } = await gateway.server.inject('/healthz');
    expect(body).toBe('{"status":"ok"}');
  });
});

describe('metrics', () => {
  it('label routes by pattern, so callers make no series', async () => {
    await gateway.server.inject('/v1/actions/some-id');
    const { body } = await gateway.operator.server.inject('/metrics');
    expect(body).toContain('route="/v1/actions/:id"');
    expect(body).not.toContain('some-id');
  });
});

describe('a port in use', () => {
  it('is a clear error', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    await expect(start({ home, brokers: NOBODY, port })).rejects.toThrow(`port ${port} is in use: set PORT`);
    await expect(start({ home, brokers: NOBODY, port: 0, operator: { port } })).rejects.toThrow(`port ${port} is in use: set METRICS_PORT`);
    other.close();
  });
});
