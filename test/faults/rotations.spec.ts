/** Every key of the ledger gets its second life by the documents' own commands while proposals keep coming; the one checker has the last word. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { codecs, LaneReader, publicKeyOf } from '#adapters';
import { base64, laneOf, parseTrust, verifyReceipt } from '#domain';

import { countersign } from '../cli/run.ts';
import { client, readAll } from '../support/kafka.ts';
import { FaultWorld, TENANTS } from './fault-world.ts';
import type { Channel, Load } from './load.ts';
import { Trial } from './trial.ts';

/** Unit ms. Each command reads the ledger from genesis, in a process of its own. */
const TIMEOUT_MS = 300_000;
const world = new FaultWorld('rotations', inject('brokers'));

beforeAll(() => world.open('decider', 'notary', 'gateway'));
afterAll(() => world.close());

/** The command, as an operator runs it; its result. Fails with what it said. */
async function run(...words: readonly string[]): Promise<Record<string, unknown>> {
  const { folder } = world.home;
  const ended = await countersign([...words, '--data', folder, '--brokers', world.brokers.join(','), '--json'], folder);
  expect(ended, words.join(' ')).toMatchObject({ code: 0 });
  return JSON.parse(ended.stdout) as Record<string, unknown>;
}

/** POST with ?wait: the gateway answers with the decision, so what it had to sign again is told by its receipt. */
const answered: Channel = {
  propose: async (tenant, id, body) => {
    const answer = await fetch(`http://127.0.0.1:${await world.gatewayPort()}/v1/actions?wait=20s`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.home.token(tenant) ?? ''}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...body, id }),
    });
    const { receipt, verdict } = (await answer.json()) as { receipt?: string; verdict?: string };
    if (answer.status !== 200 || receipt === undefined || verdict === 'REFUSED')
      throw new Error(`answered ${answer.status} ${verdict ?? ''}`);
    return world.placeOf(receipt);
  },
};

/** Both channels go on, on both lanes. */
const worksOn = (load: Load): Promise<void> => load.more(12);

describe('a rotation under load', () => {
  it(
    'of every key keeps every acknowledged proposal, and leaves a ledger that the one checker finds valid',
    async () => {
      const trial = new Trial('owners', 'every key rotated by command');
      const oldTrusts = await trustsNow();
      const load = world.load(3, world.kafka, answered);
      await worksOn(load);
      for (const role of ['gateway', 'decider', 'admin'] as const) {
        await run('key', 'rotate', role);
        trial.tried().saw(`${role} key rotated`);
        await worksOn(load);
      }
      // The admin key is stolen: the recovery key, which was offline until now, takes its word back.
      const recovery = join(world.home.folder, 'recovery.key');
      writeFileSync(recovery, `${base64(world.recoverySeed)}\n`, { mode: 0o600 });
      await run('key', 'rotate', 'admin', '--recovery', recovery);
      trial.tried().saw('admin key rotated by the recovery key');
      await worksOn(load);
      for (const tenant of TENANTS) {
        const { publicKey, keyid } = publicKeyOf(world.home.createKey(`further-${tenant}`));
        await run('issuer', 'key', 'add', `platform-${tenant}`, '--tenant', tenant, '--public-key', publicKey);
        await run('issuer', 'key', 'revoke', `platform-${tenant}`, '--tenant', tenant, '--keyid', keyid);
        trial.tried().saw('issuer key added and revoked');
      }
      // The ledger seed is stolen: every log is closed, and goes on under a key of another seed.
      const { closed } = (await run('key', 'rotate-logs', '--new-seed')) as { closed: unknown[] };
      expect(closed).toHaveLength(2 * TENANTS.length);
      trial.tried().saw('logs closed and continued', closed.length);
      await worksOn(load);
      // Who starts now has never seen the old keys at work.
      for (const name of ['decider', 'notary', 'gateway'] as const) {
        await world.replace(name);
        await worksOn(load);
      }
      await load.stop();
      await world.expectSound(trial);
      await expectOldReceipts(oldTrusts);
      expect(await run('verify', 'ledger')).toMatchObject({ status: 'valid' });
    },
    TIMEOUT_MS,
  );
});

/** Trust files of the tenants' logs, as countersign trust prints them. */
async function trustsNow(): Promise<Map<string, string>> {
  const trusts = new Map<string, string>();
  for (const tenant of TENANTS) trusts.set(tenant, String((await run('trust', '--tenant', tenant))['trust']));
  return trusts;
}

/** A verifier with the old trust file still verifies every old receipt, and none of the new log; the new file does those. */
async function expectOldReceipts(old: ReadonlyMap<string, string>): Promise<void> {
  const reader = await LaneReader.open(client([...world.brokers]));
  const now = await trustsNow();
  try {
    for (const tenant of TENANTS) {
      const proofs = (await readAll(reader, world.home.topic('receipts'), laneOf(tenant, world.home.config.lanes)))
        .map(({ value }) => codecs.receipt.decode(value ?? Buffer.of()))
        .filter((receipt) => receipt.tenant === tenant);
      const verified = (text: string | undefined): number => {
        const trust = parseTrust(text ?? '');
        return proofs.filter(({ origin, proof }) => {
          if (origin !== trust.log.name) return false;
          verifyReceipt(proof, { origin, verifier: trust.log, trust });
          return true;
        }).length;
      };
      expect(old.get(tenant)).not.toBe(now.get(tenant));
      expect([verified(old.get(tenant)), verified(now.get(tenant))].every((count) => count > 0)).toBe(true);
      expect(verified(old.get(tenant)) + verified(now.get(tenant))).toBe(proofs.length);
    }
  } finally {
    await reader.close();
  }
}
