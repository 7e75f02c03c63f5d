import { describe, expect, it } from 'vitest';

import { wire } from '#adapters';
import { type MadeBatch, SealedLedger } from '#testing';

import { fromUtf8 } from '../formats/bytes.ts';
import { parseVkey } from '../formats/vkey.ts';
import { verifyCheckpoint } from '../formats/checkpoint.ts';
import { rangeRoot } from '../formats/merkle.ts';
import { verifyReceipt } from '../formats/receipt.ts';
import { emptyHeads, LedgerBroken, type LaneHeads } from '../ledger/heads.ts';
import { SealedBatches, type SealedBatch } from '../ledger/sealed-batch.ts';
import { LogKeys } from './log-keys.ts';
import { notarise } from './notarise.ts';
import { positionVerifies, signPosition } from './position.ts';

const NAME = 'ledger.example';

function aLedger(): { ledger: SealedLedger; made: MadeBatch[] } {
  const ledger = new SealedLedger();
  const made = [ledger.genesis(), ledger.tenant('acme'), ledger.tenant('globex')];
  const decided = (tenant: string, from: number, count: number) =>
    Array.from({ length: count }, (_, at) => [ledger.decided(tenant, `action-${from + at}`)]);
  made.push(ledger.batch(decided('acme', 0, 1)));
  made.push(ledger.batch([...decided('acme', 1, 5), ...decided('globex', 0, 2), ...decided('acme', 6, 3)]));
  const repeated = { tenant: 'acme', kind: 'action.repeated' as const, actionId: 'action-0', members: { first: '1', issuer: 'platform' } };
  made.push(ledger.batch([[repeated], ...decided('globex', 2, 1)]));
  return { ledger, made };
}

function read(ledger: SealedLedger, made: readonly MadeBatch[]): { batches: SealedBatch[]; heads: LaneHeads } {
  const heads = emptyHeads(ledger.birth, 0);
  const reader = new SealedBatches(heads, wire);
  return { batches: made.flatMap(({ values }) => values.flatMap((value) => reader.push(value) ?? [])), heads };
}

describe('notarise', () => {
  const { ledger, made } = aLedger();
  const { batches, heads } = read(ledger, made);
  const notarised = batches.map((batch) => notarise(batch, ledger.keys));

  it('gives every entry a receipt that verifies, in the order of the batch, with E inside', () => {
    for (const [at, { entries }] of notarised.entries()) {
      expect(entries.map(({ sealed }) => sealed)).toEqual(batches[at]?.entries);
      for (const { sealed, origin, leafIndex, receipt } of entries) {
        const verified = verifyReceipt(receipt, { origin, vkey: ledger.keys.vkey(origin) });
        expect(verified.entry).toEqual(sealed.record.entry);
        expect(verified.index).toBe(BigInt(leafIndex));
      }
    }
  });

  it('refuses any flipped bit of a receipt', () => {
    const [entry] = notarised[4]?.entries ?? [];
    if (!entry) throw new Error('no entry');
    const pins = { origin: entry.origin, vkey: ledger.keys.vkey(entry.origin) };
    for (let at = 0; at < entry.receipt.length; at++) {
      const hostile = Uint8Array.from(entry.receipt);
      hostile[at] = (hostile[at] ?? 0) ^ (1 << (at % 8));
      expect(() => verifyReceipt(hostile, pins)).toThrow();
    }
  });

  it('signs exactly one checkpoint per touched tree, with one signature line, at its size after the batch', () => {
    const [, , , , big] = notarised;
    expect(big?.treeHeads.map(({ tenant, range }) => [tenant, range.size])).toEqual([
      ['acme', 10],
      ['globex', 3],
    ]);
    for (const { origin, range, root, checkpoint } of big?.treeHeads ?? []) {
      expect(verifyCheckpoint(checkpoint, { origin, verifier: parseVkey(ledger.keys.vkey(origin)) })).toEqual({
        origin,
        size: BigInt(range.size),
        root,
      });
      expect(rangeRoot(range)).toEqual(root);
      expect(fromUtf8(checkpoint).match(/^— /gm)).toHaveLength(1);
    }
  });

  it('gives the same bytes again, from a fresh reader', () => {
    const again = read(ledger, made).batches.map((batch) => notarise(batch, new LogKeys(NAME, ledger.ledgerSeed)));
    expect(again.map(({ entries }) => entries.map(({ receipt }) => receipt))).toEqual(
      notarised.map(({ entries }) => entries.map(({ receipt }) => receipt)),
    );
  });

  const [, , , , big] = batches;
  const tampered: [string, (batch: SealedBatch) => SealedBatch][] = [
    ['other bytes of an entry', (batch) => withRecord(batch, { entry: batch.entries[1]?.record.entry ?? new Uint8Array() })],
    ['another root', (batch) => withRecord(batch, { root: new Uint8Array(32) })],
    ['another size', (batch) => withRecord(batch, { treeSize: 11 })],
    ['an entry left out', (batch) => ({ ...batch, entries: batch.entries.slice(1) })],
    ['entries in another order', (batch) => ({ ...batch, entries: batch.entries.toReversed() })],
    ['an unknown tree', (batch) => ({ ...batch, before: new Map() })],
  ];
  it.each(tampered)('refuses a batch with %s', (_, tamper) => {
    if (!big) throw new Error('no batch');
    expect(() => notarise(tamper(big), ledger.keys)).toThrow(LedgerBroken);
  });

  it("refuses a log that was registered with another key than the seed's", () => {
    const strangers = new LogKeys(NAME, new Uint8Array(32).fill(7));
    for (const batch of batches.slice(0, 2)) expect(() => notarise(batch, strangers)).toThrow('another key');
  });

  it('is found in order by a position that is ours and fits the heads, and by no other', () => {
    const system = ledger.birth.systemLogs[0];
    if (!system) throw new Error('no system log');
    const position = { lane: 0, nextSeq: heads.nextSeq, ledgerOffset: 20, inputKeysOffset: 9, sealer: null };
    const signature = signPosition(position, heads, ledger.keys.seed(system.origin));
    const { publicKey } = parseVkey(system.vkey);
    expect(positionVerifies(position, heads, signature, publicKey)).toBe(true);
    expect(positionVerifies({ ...position, sealer: publicKey }, heads, signature, publicKey)).toBe(false);
    expect(positionVerifies({ ...position, ledgerOffset: 21 }, heads, signature, publicKey)).toBe(false);
    const trees = new Map(heads.trees);
    trees.delete('globex');
    expect(positionVerifies(position, { ...heads, trees }, signature, publicKey)).toBe(false);
    const older = new Map(
      [...heads.trees].map(([tenant, tree]) => [tenant, { ...tree, previous: '0'.repeat(64), range: { ...tree.range } }]),
    );
    expect(positionVerifies(position, { ...heads, trees: older }, signature, publicKey)).toBe(false);
  });
});

function withRecord(batch: SealedBatch, change: object): SealedBatch {
  const [first, ...rest] = batch.entries;
  if (!first) throw new Error('no entry');
  return { ...batch, entries: [{ ...first, record: { ...first.record, ...change } }, ...rest] };
}
