import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, expect, inject, it } from 'vitest';

import { DEMO_ACTORS, loadBundleFolder, populateLedger } from '#adapters';
import { laneOf } from '#domain';

import { startWorker, type Worker } from '../../bench/process.ts';
import { until } from '../support/kafka.ts';
import { FaultWorld } from './fault-world.ts';
import { KILLS, Trial } from './trial.ts';

/** What the neighbour asks meanwhile, one after the other. */
const ASKED = KILLS === undefined ? 20 : 20 * KILLS;
const WIDTH = 64;
const NEIGHBOUR = 'acme';
/** Another tenant of its lane. */
const GREEDY = 'initech';
const world = new FaultWorld('flood', inject('brokers'));
let port: number;

beforeAll(async () => {
  await world.open('decider', 'notary', 'gateway');
  const bundle = loadBundleFolder('policies/standard');
  const population = { tenants: [GREEDY], actors: DEMO_ACTORS, bundle, withinMs: 60_000, onProgress: () => undefined };
  await populateLedger(world.home, world.brokers, population);
  port = await world.gatewayPort();
  await until('the gateway knows both', async () => {
    const known = await Promise.all([get(NEIGHBOUR), get(GREEDY)]);
    return known.every(({ status }) => status === 200);
  });
});
afterAll(() => world.close());

const headers = (tenant: string) => ({ authorization: `Bearer ${world.home.token(tenant) ?? ''}`, 'content-type': 'application/json' });
const get = (tenant: string): Promise<Response> => fetch(`http://127.0.0.1:${port}/v1/trust/${tenant}`, { headers: headers(tenant) });
const bodyOf = (tenant: string) => ({
  actor: { kind: 'agent', id: 'support-assistant', actingFor: 'ben' },
  ...{ class: 'record.write', connector: 'crm', operation: 'update-record', resource: { type: 'record', id: 'customer' } },
  parameters: { tenantId: tenant, recordType: 'customer', recordId: 'c-1029', fields: { tier: 'gold' } },
});

/** Verdicts of the neighbour, each asked for when the one before it has come. */
async function verdicts(count: number): Promise<string[]> {
  const told: string[] = [];
  for (let at = 0; at < count; at++) {
    const body = JSON.stringify({ ...bodyOf(NEIGHBOUR), id: randomUUID() });
    const answer = await fetch(`http://127.0.0.1:${port}/v1/actions?wait=60s`, { method: 'POST', headers: headers(NEIGHBOUR), body });
    const { verdict, reasons, code } = (await answer.json()) as { verdict?: string; reasons?: string[]; code?: string };
    told.push(`${answer.status} ${verdict ?? code ?? ''} ${reasons?.join(' ') ?? ''}`);
  }
  return told;
}

const ANSWERED = '200 ALLOW ALLOW_POLICY';

it.each(['http', 'reads', 'kafka'] as const)(
  'a tenant that floods its lane (%s) changes no verdict of a neighbour; over HTTP it is told when to ask again',
  async (how) => {
    expect(laneOf(NEIGHBOUR, 2)).toBe(laneOf(GREEDY, 2));
    const trial = new Trial('owners', `a neighbour floods the lane: ${how}`).tried();
    const options = { how, width: WIDTH, port, token: world.home.token(GREEDY) ?? '', tenant: GREEDY, body: bodyOf(GREEDY) };
    const FLOOD = JSON.stringify({ ...options, folder: world.home.folder, brokers: world.brokers });
    let flood: Worker | undefined;
    try {
      flood = await startWorker('flood', 'bench/flood.ts', { env: { FLOOD }, isReady: (line) => line === 'flooding' });
      if (how !== 'kafka') {
        const path = how === 'http' ? '/v1/actions' : `/v1/receipts/${GREEDY}/0`;
        await until('the flood meets its limit', async () => {
          const asked = how === 'http' ? { method: 'POST', body: JSON.stringify(bodyOf(GREEDY)) } : {};
          const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: headers(GREEDY), ...asked });
          await answer.arrayBuffer();
          return answer.status === 429 && Number(answer.headers.get('retry-after')) >= 1;
        });
      }
      const told = await verdicts(ASKED);
      expect(told.filter((each) => each !== ANSWERED)).toEqual([]);
      trial.saw('verdicts of the neighbour, all as when it is alone', told.length);
    } finally {
      await flood?.kill();
    }
    await verdicts(1); // on its lane after all that the flood has left, so all of that is decided
    await world.expectSound(trial);
  },
  600_000,
);
