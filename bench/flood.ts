/**
 * One tenant at full flood, in a process of its own: as many proposals as can be sent, over HTTP or straight to Kafka, until it is ended.
 * Once a second it writes what it has got: {"sent": …, "status": { "202": …, "429": … }}. Everything is told in FLOOD, as JSON.
 */
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';

import { codecs, Home, PlainWriter } from '#adapters';
import { laneOf, sealEnvelope } from '#domain';
import { randomBytes } from 'node:crypto';

export interface FloodOptions {
  readonly how: 'http' | 'reads' | 'kafka';
  readonly tenant: string;
  readonly body: object;
  /** Of the gateway, for http and reads. */
  readonly port: number;
  readonly token: string;
  /** Requests under way at once, or records of one produce request. */
  readonly width: number;
  readonly folder: string;
  readonly brokers: readonly string[];
}

const options = JSON.parse(process.env['FLOOD'] ?? '{}') as FloodOptions;
const status: Record<string, number> = {};
const noted = (code: string, times = 1): void => void (status[code] = (status[code] ?? 0) + times);
setInterval(() => process.stdout.write(`${JSON.stringify({ status })}\n`), 1000);
process.stdout.write('flooding\n');
await (options.how === 'kafka' ? floodKafka(options) : floodHttp(options));

async function floodHttp({ how, port, token, width, body }: FloodOptions): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: width });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const once = (): Promise<void> =>
    new Promise((resolve) => {
      const isRead = how === 'reads';
      const path = isRead ? `/v1/receipts/${options.tenant}/0` : '/v1/actions';
      const asked = request({ agent, port, path, host: '127.0.0.1', method: isRead ? 'GET' : 'POST', headers }, (answer) => {
        noted(String(answer.statusCode));
        answer.resume().on('end', resolve);
      });
      asked.on('error', () => {
        noted('error');
        resolve();
      });
      asked.end(isRead ? undefined : JSON.stringify({ ...body, id: randomUUID() }));
    });
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (;;) await once();
    }),
  );
}

async function floodKafka({ tenant, body, width, folder, brokers }: FloodOptions): Promise<void> {
  const home = Home.open(folder);
  const lane = laneOf(tenant, home.config.lanes);
  const writer = PlainWriter.open({ brokers, clientId: `flood-${tenant}` });
  const issuer = `platform-${tenant}`;
  const seed = home.key(issuer);
  const one = () => {
    const now = Date.now();
    const times = { issuedAtMs: now, expiresAtMs: now + 3_600_000 };
    const head = { ...home.bound(), tenant, issuer, id: randomUUID(), ...times, blind: randomBytes(32) };
    const value = codecs.signedEnvelope.encode(sealEnvelope({ kind: 'action.proposed', body, head, seed, lane }));
    return { topic: home.topic('actions'), partition: lane, key: Buffer.from(tenant), value };
  };
  for (;;) {
    await writer.send(Array.from({ length: width }, one));
    noted('acknowledged', width);
  }
}
