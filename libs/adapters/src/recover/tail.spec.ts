import { describe, expect, it } from 'vitest';

import { emptyHeads, hex, sealVoid, systemTree } from '#domain';
import { attest, FakeEngine, MemoryLane, readerOf, recordsOf } from '#testing';

import { codecs, wire } from '../wire/codec.ts';
import type { RecoverError } from './foreign.ts';
import { heldEntries, type HeldReceipt } from './held-receipts.ts';
import { LedgerBatches, readVoids, voidKey } from './ledger-batches.ts';
import { examineLane, type Recovery, type TailOptions } from './tail.ts';

/** What was attested, and what a restored Kafka no longer holds: everything from `LOST_FROM` on. */
const truth = MemoryLane.ready();
truth.propose('a-1');
const LOST_FROM = truth.ledger.length;
const inputsBefore = { ...truth.state.positions };
truth.nowMs += 10;
truth.propose('a-2');
truth.registerTenant('globex');
truth.registerIssuer('acme', 'runner', 'executor');
truth.nowMs += 10;
truth.propose('a-3');

/** The same inputs, decided once more behind the restored ledger, later and under other keys; then one input that came since. */
const later = MemoryLane.ready();
later.propose('a-1');
later.parties.draw();
later.nowMs += 60_000;
for (const topic of ['controls', 'actions'] as const)
  for (const value of truth.inputs[topic].slice(Number(inputsBefore[topic].next))) later.when(topic, value);
const since = truth.proposal('a-4');
later.when('actions', since);

const { receipts } = attest(truth, truth.parties.keys);
const held: HeldReceipt[] = receipts.slice(LOST_FROM).map(({ proof }, at) => ({ name: `${at}.tlog-proof`, proof }));
const attested = truth.entries.slice(0, LOST_FROM).map(({ bytes }) => bytes);
const systemVkey = truth.birth.systemLogs[0]?.vkey ?? '';
const of = (some: readonly HeldReceipt[]) => heldEntries(some, { systemVkey, known: attested });
const isOf = (tenant: string) => (_: unknown, at: number) => truth.entries[LOST_FROM + at]?.tenant === tenant;

/** With the input keys of both, the later ones written over the others. */
function examine(ledger: readonly Uint8Array[], some: readonly HeldReceipt[], more: Partial<TailOptions> = {}): Promise<Recovery> {
  const keys = [...truth.inputKeys, ...(ledger.length > LOST_FROM ? later.inputKeys : [])];
  const reader = readerOf({
    ledger: recordsOf('ledger', ledger),
    actions: recordsOf('actions', [...truth.inputs.actions, since]),
    controls: recordsOf('controls', truth.inputs.controls),
    ['input-keys']: recordsOf(
      'input-keys',
      keys.map(([name, key]) => codecs.inputKey.encode({ origin: name.split('\0')[0] ?? '', leafIndex: Number(name.split('\0')[1]), key })),
      keys.map(([name]) => name),
    ),
  });
  return examineLane({
    ...{ reader, birth: truth.birth, lane: 0, topicName: (name: string) => name, wire, engine: new FakeEngine() },
    ...{ attested, held: of(some), deciderSeed: truth.parties.seedOf('decider'), checkBundle: () => Promise.resolve([]) },
    ...more,
  });
}
const refusal = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => (error as RecoverError).code,
  );
type Trees = Record<string, string[]>;
function treesOf(entries: readonly { readonly tenant: string; readonly bytes: Uint8Array }[]): Trees {
  const trees: Trees = {};
  for (const { tenant, bytes } of entries) (trees[tenant] ??= []).push(Buffer.from(bytes).toString());
  return trees;
}

/** Each tree, as a reader takes it of the ledger with the voids and the tail behind it. */
async function readBack(ledger: readonly Uint8Array[], { ranges, tail }: Recovery): Promise<Trees> {
  const made = tail.flatMap(({ records, entries }) => records.slice(0, entries).map(({ value }) => value as Uint8Array));
  const seed = truth.parties.seedOf('admin');
  const voids = ranges.map((range) => codecs.signedEnvelope.encode(sealVoid({ ...range, why: 'w' }, truth.birth, seed)));
  const reader = readerOf({ checkpoints: recordsOf('checkpoints', voids, ranges.map(voidKey)) });
  const place = { topic: 'checkpoints', lane: 0, birth: truth.birth, wire };
  const batches = new LedgerBatches(emptyHeads(truth.birth, 0), wire, () => readVoids(reader, place));
  const read: { tenant: string; bytes: Uint8Array }[] = [];
  for (const record of recordsOf('ledger', [...ledger, ...made]))
    for (const { batch } of await batches.push(record))
      read.push(...batch.entries.map(({ record: { tenant, entry } }) => ({ tenant, bytes: entry })));
  return treesOf(read);
}
const all = treesOf(truth.entries);
const prefix = truth.ledger.slice(0, LOST_FROM);

describe('receipts that people hold', () => {
  it('give back what Kafka has lost, byte for byte, in whatever order they lie', async () => {
    for (const some of [held, held.toReversed()]) {
      const found = await examine(prefix, some);
      expect([found.held, found.ranges]).toEqual([LOST_FROM, []]);
      expect(await readBack(prefix, found)).toEqual(all);
    }
  });

  it('need not be of every tree that a control has an entry in', async () => {
    const found = await examine(
      prefix,
      held.filter((_, at) => truth.entries[LOST_FROM + at]?.kind !== 'genesis'),
    );
    expect(await readBack(prefix, found)).toEqual(all);
  });

  it('are refused when one before them is missing, when they do not verify, and when nothing names the key of their log', async () => {
    expect(await refusal(examine(prefix, held.slice(-1)))).toBe('NOT_AGAIN');
    const [first] = held;
    const broken = Uint8Array.from(first?.proof ?? []).fill(65, -30, -20);
    expect(() => of([{ name: 'x.tlog-proof', proof: broken }])).toThrow('x.tlog-proof: ');
    const globex = held.filter(isOf('globex'));
    expect(globex.length).toBeGreaterThan(0);
    expect(() => of(globex)).toThrow('nothing here names the key');
    expect(of([...globex, ...held.filter(isOf(systemTree(0)))]).size).toBeGreaterThan(globex.length);
  });
});

describe('a ledger that went on from an older copy', () => {
  it('is a fork, and nothing is done before people say which history is true', async () => {
    expect(later.entries.length).toBeGreaterThan(truth.entries.length);
    expect(later.ledger.slice(0, LOST_FROM)).toEqual(prefix);
    expect(await refusal(examine(later.ledger, held))).toBe('FORKED');
  });

  it('is void from the fork on when the receipts are true: they are decided again under their own keys, which are written again', async () => {
    const found = await examine(later.ledger, held, { isLedgerFalse: true });
    expect(found.ranges).toMatchObject([{ from: BigInt(LOST_FROM), to: BigInt(later.ledger.length) }]);
    expect(await readBack(later.ledger, found)).toEqual(all);
    const again = found.tail.flatMap(({ records, entries }) => records.slice(entries));
    expect(again.map(({ topic, key }) => [topic, key?.toString()])).toContainEqual([
      'input-keys',
      `${truth.entries[LOST_FROM]?.statement.predicate.origin ?? ''}\0${truth.entries[LOST_FROM]?.statement.predicate.index ?? ''}`,
    ]);
    for (const { key, value } of again)
      expect(hex(codecs.inputKey.decode(value as Uint8Array).key)).toBe(
        hex(truth.inputKeys.get(key?.toString() ?? '') ?? new Uint8Array()),
      );
  });
});
