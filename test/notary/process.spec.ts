import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';

import { GuardFile, Home } from '#adapters';
import { verifyReceipt } from '#domain';
import { SealedLedger } from '#testing';

import { start } from '../../apps/notary/src/app.ts';
import { unique, until } from '../support/kafka.ts';
import { NotaryWorld } from './harness.ts';

const brokers = inject('brokers');

let folder: string;
let home: Home;
let world: NotaryWorld;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-home-'));
  home = Home.create(folder, { name: 'ledger.example', lanes: 1, topicPrefix: `${unique('notary')}.`, nowMs: Date.now() });
  const ledger = new SealedLedger(0, { birth: home.birth(), ledgerSeed: home.key('ledger'), deciderSeed: home.key('decider') });
  world = await new NotaryWorld(brokers, ledger, home.config.topicPrefix).open();
});
afterEach(async () => {
  await world.close();
  rmSync(folder, { recursive: true });
});

function publish(): Promise<void> {
  const { ledger } = world;
  const acts = (from: number) => ledger.batch([0, 1, 2].map((at) => [ledger.decided('acme', `action-${from + at}`)]));
  return world.publish(ledger.genesis(), ledger.tenant('acme'), acts(0), acts(3));
}

function child(crashAt?: string) {
  const env = { ...process.env, COUNTERSIGN_DATA: folder, KAFKA_BROKERS: brokers.join(','), LOG_LEVEL: 'warn' };
  const entry = ['--import', './scripts/register.mjs', 'apps/notary/src/main.ts'];
  const spawned = spawn(process.execPath, entry, {
    env: crashAt === undefined ? env : { ...env, COUNTERSIGN_CRASH_AT: crashAt },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(spawned, 'exit') as Promise<[code: number | null, signal: string | null]>;
  return { ended, kill: (signal: NodeJS.Signals) => spawned.kill(signal) };
}

async function expectEachReceiptOnce(): Promise<void> {
  const receipts = await world.receipts();
  expect(receipts).toHaveLength(world.ledger.heads.nextSeq);
  const next = new Map<string, number>();
  for (const { origin, leafIndex, proof } of receipts) {
    expect(leafIndex).toBe(next.get(origin) ?? 0);
    next.set(origin, leafIndex + 1);
    verifyReceipt(proof, { origin, vkey: world.ledger.keys.vkey(origin) });
  }
}

describe('the notary as a service', () => {
  it('joins the group, owns the lane, answers for its health and counts what it attests', async () => {
    await publish();
    const app = await start({ home, brokers, port: 0 });
    const get = async (path: string) => (await fetch(`http://127.0.0.1:${app.port}${path}`)).text();
    try {
      await until('the lane is owned', () => app.readyLanes.length === 1);
      await world.untilAttested();
      expect(await get('/readyz')).toBe('{"status":"ready"}');
      await until('the metrics', async () => (await get('/metrics')).includes('countersign_receipts_total{lane="0",app="notary"} 9'));
    } finally {
      await app.close();
    }
    await expectEachReceiptOnce();
  });

  it("refuses to start with a seed that is not the ledger's", () => {
    const other = mkdtempSync(join(tmpdir(), 'countersign-home-'));
    try {
      Home.create(other, { name: 'ledger.example', lanes: 1, topicPrefix: '', nowMs: Date.now() });
      copyFileSync(join(other, 'keys', 'ledger.seed'), join(folder, 'keys', 'ledger.seed'));
      expect(() => start({ home: Home.open(folder), brokers, port: 0 })).toThrow(expect.objectContaining({ code: 'WRONG_KEY' }));
    } finally {
      rmSync(other, { recursive: true });
    }
  });

  it.each(['after-guard:1', 'after-send:2', 'after-commit-sent:1'])(
    'killed with -9 at %s, its successor publishes what is missing, and nothing twice',
    async (crashAt) => {
      await publish();
      const killed = child(crashAt);
      const points = [world.ledger.batch([[world.ledger.decided('acme', 'action-6')]])]; // a second transaction, whatever the first took
      await until(
        'a first transaction or the end',
        async () => (await Promise.race([killed.ended, Promise.resolve(null)])) ?? (await world.receipts()).length > 0,
      );
      await world.publish(...points);
      expect(await killed.ended).toEqual([null, 'SIGKILL']);
      // Without the group, which would wait for the dead member's session to run out: fencing is what keeps owners apart.
      const successor = world.notary({ openGuard: (lane) => GuardFile.open(home.subfolder('guard'), lane) });
      await world.untilAttested();
      await successor.stop();
      await expectEachReceiptOnce();
    },
  );

  it('ends on SIGTERM with code 0', async () => {
    await publish();
    const running = child();
    await world.untilAttested();
    running.kill('SIGTERM');
    expect(await running.ended).toEqual([0, null]);
  });
});
