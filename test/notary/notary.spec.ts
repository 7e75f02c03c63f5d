import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';

import { codecs, FencedError, GuardFile, wire } from '#adapters';
import { entryName, hex, LaneHalted, LedgerBroken, originOf, rangeRoot, verifyReceipt } from '#domain';
import type { MadeBatch } from '#testing';

import type { NotaryPoint } from '../../apps/notary/src/lane-notary.ts';
import { until } from '../support/kafka.ts';
import { NotaryWorld } from './harness.ts';

let world: NotaryWorld;
beforeEach(async () => {
  world = await new NotaryWorld(inject('brokers')).open();
});
afterEach(() => world.close());

function births(): MadeBatch[] {
  return [world.ledger.genesis(), world.ledger.tenant('acme'), world.ledger.tenant('globex')];
}
const decided = (from: number, count: number, tenant = 'acme'): MadeBatch =>
  world.ledger.batch(Array.from({ length: count }, (_, at) => [world.ledger.decided(tenant, `action-${from + at}`)]));

const guardLine = (tenant: string, root?: string): string => {
  const { ledger } = world;
  const tree = ledger.heads.trees.get(tenant);
  if (!tree) throw new Error('no tree');
  return `${tree.origin} ${tree.range.size} ${root ?? hex(rangeRoot(tree.range))}\n`;
};

describe('a notary', () => {
  it('publishes one receipt for each entry, dense and in order, that verifies offline', async () => {
    await world.publish(...births(), decided(0, 3), decided(3, 40), decided(43, 2, 'globex'));
    await world.attestAll();
    const next = new Map<string, number>();
    for (const { tenant, origin, leafIndex, proof, headers, actionId } of await world.receipts()) {
      expect(leafIndex).toBe(next.get(tenant) ?? 0);
      next.set(tenant, leafIndex + 1);
      const { index } = verifyReceipt(proof, { origin, vkey: world.ledger.keys.vkey(origin) });
      expect(index).toBe(BigInt(leafIndex));
      expect(headers).toMatchObject({ tenant, leafindex: String(leafIndex), actionid: actionId, ce_source: origin });
      expect(headers['ce_id']).toBe(`r-${origin.split('/').at(-1) ?? ''}-${leafIndex}`);
    }
    expect(Object.fromEntries(next)).toEqual({ '_system.0': 3, acme: 44, globex: 3 });
  });

  it('publishes a verdict for what concerns an action, with receipt and the exact proposal', async () => {
    const repeated = {
      tenant: 'acme',
      kind: 'action.repeated' as const,
      actionId: 'action-0',
      members: { first: '1', issuer: 'platform' },
    };
    const members = { settles: '1', outcome: 'EXPIRED_NO_DECISION', deadline: '2030-01-01T00:00:00.000Z', issuer: 'platform' };
    const settled = { tenant: 'acme', kind: 'escalation.settled' as const, actionId: 'action-0', members };
    await world.publish(...births(), decided(0, 1), world.ledger.batch([[repeated], [settled]]));
    await world.attestAll();
    const verdicts = await world.verdicts();
    const { payload } = world.ledger.proposal('acme', 'action-0');
    expect(verdicts.map(({ kind, verdict, actionId, leafIndex }) => [kind, verdict, actionId, leafIndex])).toEqual([
      ['action.decided', 'ALLOW', 'action-0', 1],
      ['action.repeated', '', 'action-0', 2],
      ['escalation.settled', 'EXPIRED_NO_DECISION', 'action-0', 3],
    ]);
    expect(verdicts[0]?.proposal).toEqual(Uint8Array.from(payload));
    expect(verdicts[0]?.reasons).toEqual(['ALLOW_POLICY']);
    expect(verdicts[1]?.proposal).toBeNull();
    expect(verdicts[0]?.headers['traceparent']).toMatch(/^00-/);
    const receipts = await world.receipts();
    expect(verdicts[0]?.receipt).toEqual(receipts.find(({ tenant, leafIndex }) => tenant === 'acme' && leafIndex === 1)?.proof);
  });

  it('publishes the verdict without the proposal when its input key was erased', async () => {
    await world.publish(...births(), decided(0, 2));
    const name = entryName(world.ledger.originOf('acme'), 1);
    await world.write({ topic: 'input-keys', key: Buffer.from(name), value: null });
    await world.write({ topic: 'input-keys', key: Buffer.from(name), value: Buffer.from('no key') }); // anyone with access may write here
    await world.attestAll();
    expect((await world.verdicts()).map(({ actionId, proposal }) => [actionId, proposal === null])).toEqual([
      ['action-0', true],
      ['action-1', false],
    ]);
  });

  it.each<NotaryPoint>(['before-guard', 'after-guard', 'before-send', 'after-send', 'before-commit', 'after-commit-sent', 'after-commit'])(
    'ended %s, and then run again, publishes each receipt exactly once, with the same bytes',
    async (point) => {
      await world.publish(...births());
      await world.attestAll();
      const batches = [decided(0, 4), decided(4, 3, 'globex')];
      await world.publish(...batches);
      const failing = world.notary({
        onPoint: (name) => {
          if (name === point) throw new Error(`ended ${name}`);
        },
      });
      expect(String(await failing.ended)).toContain(point);
      await world.publish(decided(7, 2));
      await world.attestAll();
      const receipts = await world.receipts();
      expect(receipts).toHaveLength(world.ledger.heads.nextSeq);
      await world.wipe('receipts', 'checkpoints', 'verdicts');
      rmSync(join(world.guardFolder, 'lane-0'));
      await world.attestAll();
      expect(await world.receipts()).toEqual(receipts);
    },
  );

  it('rebuilt from genesis, its guard at hand, publishes the same receipts, verdicts and tree heads byte for byte', async () => {
    await world.publish(...births(), decided(0, 20), decided(20, 7, 'globex'), decided(27, 1));
    await world.attestAll();
    const [receipts, verdicts, heads] = [await world.receipts(), await world.verdicts(), await newestHeads()];
    await world.wipe('receipts', 'checkpoints', 'verdicts');
    await world.attestAll();
    expect(await world.receipts()).toEqual(receipts);
    expect(await world.verdicts()).toEqual(verdicts);
    expect(await newestHeads()).toEqual(heads);
  });

  it('without a position that is ours does not publish again what receipts holds', async () => {
    await world.publish(...births(), decided(0, 5));
    await world.attestAll();
    const receipts = await world.receipts();
    const heads = await world.read('checkpoints');
    await world.wipe('checkpoints');
    for (const { key, value } of heads) if (key?.toString() !== '_position.0') await world.write({ topic: 'checkpoints', key, value });
    const forged = { lane: 0, nextSeq: 0, ledgerOffset: 0, inputKeysOffset: 0, signature: new Uint8Array(64), sealer: null };
    await world.write({ topic: 'checkpoints', key: Buffer.from('_position.0'), value: codecs.notaryPosition.encode(forged) });
    await world.publish(decided(5, 2));
    await world.attestAll();
    expect(world.alarms).toHaveLength(1);
    const after = await world.receipts();
    expect(after.slice(0, receipts.length)).toEqual(receipts);
    expect(after).toHaveLength(world.ledger.heads.nextSeq);
    await world.publish(decided(7, 1)); // the position is good again
    await world.attestAll();
    expect(world.alarms).toHaveLength(1);
    expect(await world.receipts()).toHaveLength(world.ledger.heads.nextSeq);
  });

  it('is not taken back by its own old records, written again', async () => {
    await world.publish(...births(), decided(0, 2));
    await world.attestAll();
    const old = await world.read('checkpoints');
    await world.publish(decided(2, 3));
    await world.attestAll();
    const receipts = await world.receipts();
    for (const { key, value } of old) await world.write({ topic: 'checkpoints', key, value });
    await world.publish(decided(5, 1));
    await world.attestAll();
    const after = await world.receipts();
    expect(after.slice(0, receipts.length)).toEqual(receipts);
    expect(after).toHaveLength(world.ledger.heads.nextSeq);
  });

  it('has on its own disk what it is about to publish', async () => {
    await world.publish(...births(), decided(0, 2));
    const guarded: string[] = [];
    const { stop } = world.notary({
      onPoint: (name) => {
        if (name === 'before-send') guarded.push(readFileSync(join(world.guardFolder, 'lane-0'), 'utf8'));
      },
    });
    await world.untilAttested();
    await stop();
    expect(guarded.at(-1)).toContain(guardLine('acme'));
    expect(guarded.at(-1)).toContain(guardLine('_system.0'));
  });

  it('signs nothing more, and halts, when another notary opens its guard that is no successor on Kafka', async () => {
    await world.publish(...births());
    const first = world.notary();
    await first.ready;
    await world.untilAttested();
    const before = await world.receipts();
    GuardFile.open(world.guardFolder, 0).close();
    await world.publish(decided(0, 3));
    expect(await first.ended).toMatchObject({ name: 'LaneHalted', code: 'GUARD_TAKEN' });
    expect(await world.receipts()).toEqual(before);
  });

  it('gives way to a successor', async () => {
    await world.publish(...births());
    const first = world.notary();
    await first.ready;
    await world.untilAttested();
    const second = world.notary();
    await second.ready;
    await world.publish(decided(0, 3));
    expect(await first.ended).toBeInstanceOf(FencedError);
    await world.untilAttested();
    expect(await world.receipts()).toHaveLength(world.ledger.heads.nextSeq);
  });
});

describe('a notary refuses', () => {
  it.each(['ff', '00'])('to sign another root at a size it has signed (guard %s…)', async (byte) => {
    await world.publish(...births());
    writeFileSync(join(world.guardFolder, 'lane-0'), guardLine('acme', byte.repeat(32)), { mode: 0o600 });
    const error = await world.notary().ended;
    expect(error).toBeInstanceOf(LaneHalted);
    expect(String(error)).toContain('another root');
    expect(await world.receipts()).toEqual([]);
  });

  it('to publish while the ledger is shorter than what it has signed, and goes on when it has grown', async () => {
    await world.publish(...births());
    const more = [decided(0, 2), decided(2, 3)];
    writeFileSync(join(world.guardFolder, 'lane-0'), guardLine('acme'), { mode: 0o600 });
    const running = world.notary();
    await until('an alarm', () => world.alarms.some((message) => message.includes('publishing nothing')));
    await world.publish(...more.slice(0, 1));
    expect(await world.receipts()).toEqual([]);
    await world.publish(...more.slice(1));
    await running.ready;
    await world.untilAttested();
  });

  it('to contradict its own signed tree head on checkpoints when its guard file is lost', async () => {
    await world.publish(...births(), decided(0, 2));
    await world.attestAll();
    rmSync(join(world.guardFolder, 'lane-0'));
    // Another history of the same ledger, as after a restore from an old copy of its topics.
    const heads = await world.read('checkpoints');
    await world.wipe('ledger', 'receipts', 'checkpoints', 'input-keys');
    for (const { key, value } of heads) if (key?.toString() !== '_position.0') await world.write({ topic: 'checkpoints', key, value });
    const other = await new NotaryWorld(inject('brokers')).open();
    try {
      const { ledger } = other;
      await world.publish(
        ledger.genesis(),
        ledger.tenant('acme'),
        ledger.tenant('globex'),
        ledger.batch([[ledger.decided('acme', 'other-0')], [ledger.decided('acme', 'other-1')]]),
      );
    } finally {
      await other.close();
    }
    const error = await world.notary().ended;
    expect(error).toBeInstanceOf(LaneHalted);
    expect(await world.receipts()).toEqual([]);
  });

  it('a hand-made record on the ledger, and attests nothing of it', async () => {
    await world.publish(...births());
    await world.attestAll();
    const batch = decided(0, 1);
    const [value] = batch.values;
    const record = wire.decodeRecord(value ?? Buffer.of());
    await world.write({
      topic: 'ledger',
      key: Buffer.from('acme'),
      value: Buffer.from(wire.encodeRecord({ ...record, batchSeal: new Uint8Array(64) })),
    });
    expect(await world.notary().ended).toBeInstanceOf(LedgerBroken);
    expect((await world.receipts()).map(({ actionId }) => actionId)).not.toContain('action-0');
  });

  it('a ledger that ends before its position', async () => {
    await world.publish(...births(), decided(0, 2));
    await world.attestAll();
    await world.wipe('ledger');
    const error = await world.notary().ended;
    expect(error).toBeInstanceOf(LaneHalted);
    expect(error).toMatchObject({ code: 'TAIL_LOST' });
  });
});

async function newestHeads(): Promise<Record<string, unknown>> {
  const records = await world.read('checkpoints');
  return Object.fromEntries(
    records
      .filter(({ key }) => key?.toString().startsWith(originOf(world.ledger.birth.ledger, '')) === true)
      .map(({ key, value }) => [String(key), codecs.treeHead.decode(value ?? Buffer.of())]),
  );
}
