import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { loadBundleFolder, openOrCreateHome, populateLedger, prepareLedger, type Home } from '#adapters';

import { start as startDecider } from '../../apps/decider/src/app.ts';
import { start as startGateway, type Gateway } from '../../apps/gateway/src/app.ts';
import { start as startNotary } from '../../apps/notary/src/app.ts';
import { unique, until } from '../support/kafka.ts';

/** So that a lane is free soon after its owner is gone. */
const QUICK = { sessionTimeout: 1500, heartbeatInterval: 300 };

export interface System {
  readonly home: Home;
  readonly gateway: Gateway;
  close(): Promise<void>;
}

/** A ledger of its own with decider, notary and a ready gateway, and the tenants acme and globex. */
export async function startSystem(brokers: string[], name: string): Promise<System> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-'));
  const { home } = openOrCreateHome(folder, { name: `${name}.test`, lanes: 2, topicPrefix: `${unique(name)}.` });
  await prepareLedger(home, brokers);
  const running: { close(): Promise<void> }[] = [];
  running.push(await startDecider({ home, brokers, port: 0, ...QUICK }));
  running.push(await startNotary({ home, brokers, port: 0, ...QUICK }));
  const bundle = loadBundleFolder('policies/standard');
  await populateLedger(home, brokers, { tenants: ['acme', 'globex'], bundle, withinMs: 30_000, onProgress: () => undefined });
  const gateway = await startGateway({ home, brokers, port: 0 });
  running.push(gateway);
  await until('the gateway is ready', async () => (await gateway.server.inject('/readyz')).statusCode === 200);
  return {
    home,
    gateway,
    close: async () => {
      for (const app of running.toReversed()) await app.close();
    },
  };
}

/** What the standard policy allows without people. */
export const recordWrite = {
  actor: { kind: 'agent', id: 'agent-7' },
  class: 'record.write',
  connector: 'crm',
  operation: 'update-record',
  parameters: { tenantId: 'acme', recordType: 'customer', recordId: 'c-1', fields: { tier: 'gold' } },
  resource: { type: 'record', id: 'customer' },
} as const;
