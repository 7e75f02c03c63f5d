import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  type Home,
  loadBundleFolder,
  openOrCreateHome,
  PlainWriter,
  DEMO_ACTORS,
  populateLedger,
  prepareLedger,
  publishControls,
  recordApproval,
} from '#adapters';
import { parseTrust, utf8 } from '#domain';
import { ReceiptVerifier } from '#sdk';

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
  await populateLedger(home, brokers, {
    tenants: ['acme', 'globex'],
    actors: DEMO_ACTORS,
    bundle,
    withinMs: 30_000,
    onProgress: () => undefined,
  });
  const gateway = await startGateway({ home, brokers, port: 0 });
  running.push(gateway);
  await until('the gateway is ready', async () => (await gateway.operator.server.inject('/readyz')).statusCode === 200);
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

/** What it asks people about. */
export const refund = {
  actor: { kind: 'agent', id: 'agent-7' },
  class: 'refund.issue',
  connector: 'payments',
  operation: 'refund',
  parameters: { tenantId: 'acme', account: 'support-refunds', order: 'o-1', amountMinor: 5001, currency: 'EUR' },
  resource: { type: 'account', id: 'support-refunds' },
} as const;

/** A person's answer to the escalation of acme that `receipt` proves. */
export async function answer(home: Home, brokers: string[], receipt: string, vote: 'approve' | 'deny', trustText: string): Promise<void> {
  const { log } = parseTrust(trustText);
  const { statement } = new ReceiptVerifier().verify(utf8(receipt), { origin: log.name, verifier: log });
  const { index, bindingDigest } = statement.predicate as unknown as { index: string; bindingDigest: string };
  const writer = PlainWriter.open({ brokers, clientId: 'test' });
  await publishControls(home, writer, [recordApproval(home, { tenant: 'acme', decision: Number(index), bindingDigest, vote, by: 'ben' })]);
  await writer.close();
}
