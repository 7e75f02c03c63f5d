/** Callers of whom each waits for its verdict before it asks again: over Kafka beside the hops left to themselves, and over HTTP. */
import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';

import { drive, quantile, type Run } from './drive.ts';
import { median, type Quantiles } from './latency.ts';
import { type Asked, bodyOf, type BenchLedger } from './ledger.ts';
import type { PassThrough } from './pass-through.ts';

export const CALLERS = [1, 16, 256] as const;
/** Answers of a round for so many callers: some two seconds' worth of each. */
const ANSWERS: Readonly<Record<(typeof CALLERS)[number], number>> = { 1: 300, 16: 2000, 256: 6000 };
const KINDS = ['hasty', 'floor', 'pipeline', 'http'] as const;

export interface Closed {
  readonly callers: number;
  /** `hasty`, `floor`: the hops as they are, without a pace. */
  readonly of: Readonly<Record<(typeof KINDS)[number], Quantiles & { readonly perSecond: number }>>;
}
interface Paths {
  readonly ledger: BenchLedger;
  readonly gateway: Asked;
  readonly bare: PassThrough;
  readonly floor: PassThrough;
}

/** `rounds` of each, in turns, after one that does not count. */
export async function closedLoops(
  { ledger, gateway, bare, floor }: Paths,
  rounds: number,
  say: (line: string) => void,
): Promise<readonly Closed[]> {
  const all: Closed[] = [];
  for (const callers of CALLERS) {
    const runs: Record<(typeof KINDS)[number], Run[]> = { hasty: [], floor: [], pipeline: [], http: [] };
    const count = ANSWERS[callers];
    for (let round = 0; round <= rounds; round++) {
      say(`closed loop, ${callers} caller${callers === 1 ? '' : 's'}, ${round === 0 ? 'warming up' : `round ${round} of ${rounds}`} ...`);
      const samples = () => ledger.proposals(count);
      const done: Record<(typeof KINDS)[number], Run> = {
        hasty: await drive(bare.path, bare.route(samples()), { window: callers }),
        floor: await drive(floor.path, floor.route(samples()), { window: callers }),
        pipeline: await drive(ledger.path, samples(), { window: callers }),
        http: await ask(gateway, callers, count),
      };
      if (round > 0) for (const kind of KINDS) runs[kind].push(done[kind]);
    }
    all.push({ callers, of: { hasty: of(runs.hasty), floor: of(runs.floor), pipeline: of(runs.pipeline), http: of(runs.http) } });
  }
  return all;
}

const of = (runs: readonly Run[]): Quantiles & { perSecond: number } => {
  const at = (q: number): number => median(runs.map(({ latencies }) => quantile(latencies, q)));
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), perSecond: median(runs.map(({ recordsPerSecond }) => recordsPerSecond)) };
};

/** POST /v1/actions?wait from so many connections, one request at a time on each. Throws on any answer but ALLOW with its receipt. */
async function ask({ port, tokens }: Asked, callers: number, count: number): Promise<Run> {
  const agent = new Agent({ keepAlive: true, maxSockets: callers });
  const tenants = [...tokens];
  const latencies: number[] = [];
  let asked = 0;
  const started = performance.now();
  const call = async (caller: number): Promise<void> => {
    const [tenant = '', token = ''] = tenants[caller % tenants.length] ?? [];
    while (asked < count) {
      asked += 1;
      const body = JSON.stringify({ ...bodyOf(tenant), id: randomBytes(12).toString('hex') });
      const began = performance.now();
      const answer = await post({ agent, port, token, body });
      latencies.push(performance.now() - began);
      if (!answer.includes('"verdict":"ALLOW"') || !answer.includes('"receipt":')) throw new Error(`not allowed: ${answer.slice(0, 500)}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)));
  } finally {
    agent.destroy();
  }
  const seconds = (performance.now() - started) / 1000;
  return { recordsPerSecond: latencies.length / seconds, latencies: Float64Array.from(latencies).sort() };
}

function post({ agent, port, token, body }: { agent: Agent; port: number; token: string; body: string }): Promise<string> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const sent = request({ agent, port, host: '127.0.0.1', method: 'POST', path: '/v1/actions?wait=30s', headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        resolve(text);
      });
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
