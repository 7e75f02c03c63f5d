import { describe, expect, it } from 'vitest';

import { wire } from '#adapters';
import { MemoryLane } from '#testing';

import { canonicalBytes } from '../formats/canonical-json.ts';
import { emptyLane } from '../decide/state.ts';
import { buildBatch, type BatchEntry } from './build-batch.ts';
import { admitEntry, LedgerBroken } from './heads.ts';
import { BATCH_ENTRIES_MAX, SealedBatches } from './sealed-batch.ts';
import { EntryError, parseStatement } from './statement.ts';

const lane = MemoryLane.ready();
const [entry] = lane.propose('a-1');
if (!entry) throw new Error('no entry');
const { statement } = entry;
const predicate = (change: object) => canonicalBytes({ ...statement, predicate: { ...statement.predicate, ...change } });

describe('parseStatement', () => {
  it('takes what decide wrote', () => {
    expect(parseStatement(entry.bytes)).toEqual({
      statement: JSON.parse(Buffer.from(entry.bytes).toString()) as object,
      kind: 'action.decided',
    });
  });

  it.each<[string, Uint8Array]>([
    ['another type', canonicalBytes({ ...statement, _type: 'x' })],
    ['an unknown kind', canonicalBytes({ ...statement, predicateType: 'urn:countersign:unknown:v1' })],
    ['a kind named like a prototype', canonicalBytes({ ...statement, predicateType: 'urn:countersign:constructor:v1' })],
    ['a kind of another version', canonicalBytes({ ...statement, predicateType: 'urn:countersign:genesis:v2' })],
    ['rules of another version', predicate({ rules: 3 })],
    ['a time that is none', predicate({ decidedAt: '2026-02-30T00:00:00.000Z' })],
    ['an index that is a number', predicate({ index: 1 })],
    ['a source without its part', predicate({ source: { kind: 'tick' } })],
    ['a part beyond its parts', predicate({ source: { kind: 'tick', part: 1, parts: 1 } })],
    ['an offset with a leading zero', predicate({ source: { ...statement.predicate.source, offset: '01' } })],
    ['a digest that is none', canonicalBytes({ ...statement, subject: [{ name: 'a', digest: { sha256: 'AB' } }] })],
    ['two subjects', canonicalBytes({ ...statement, subject: [...statement.subject, ...statement.subject] })],
    ['more than 16 KiB', predicate({ detail: 'x'.repeat(16 * 1024) })],
  ])('refuses %s', (_, bytes) => {
    expect(() => parseStatement(bytes)).toThrow(EntryError);
  });
});

describe('a sealed batch whose decider went wrong', () => {
  /** The lane's own decider seals this after genesis. */
  function sealed(change: (entry: BatchEntry) => BatchEntry, at = 1): () => void {
    const from = MemoryLane.ready([]);
    from.registerTenant('acme');
    const heads = emptyLane(from.birth, 0).heads;
    const reader = new SealedBatches(emptyLane(from.birth, 0).heads, wire);
    const batch = from.entries.slice(0, at + 1).map((each): BatchEntry => ({ entry: each, inputForm: 'none', input: new Uint8Array() }));
    const last = batch.length - 1;
    for (const { entry: each } of batch) admitEntry(heads, each.tenant, each.kind, each.statement, each.bytes);
    const built = buildBatch(
      heads,
      batch.map((each, place) => (place === last ? change(each) : each)),
      from.parties.seedOf('decider'),
      wire,
    );
    return () => {
      for (const value of built.values) reader.push(value);
    };
  }

  it('is taken as it stands', () => {
    expect(sealed((each) => each)).not.toThrow();
  });

  it('is refused for a routing copy that differs from the entry', () => {
    for (const change of [{ actionId: 'a-1' }, { actionId: 'bundle.activated' }, { kind: 'genesis' as const }]) {
      expect(sealed((each) => ({ ...each, entry: { ...each.entry, ...change } }))).toThrow(expect.objectContaining({ code: 'ROUTING' }));
    }
  });

  it('is refused for ever once it was refused: a good record after it proves nothing', () => {
    const reader = new SealedBatches(emptyLane(lane.birth, 0).heads, wire);
    expect(() => reader.push(new Uint8Array())).toThrow(LedgerBroken);
    expect(() => reader.push(lane.ledger[0] ?? null)).toThrow(expect.objectContaining({ code: 'RECORD' }));
  });

  it('is never made with more entries than readers take', () => {
    const many = Array.from({ length: BATCH_ENTRIES_MAX + 1 }, (): BatchEntry => ({ entry, inputForm: 'none', input: new Uint8Array() }));
    expect(() => buildBatch(lane.state.heads, many, lane.parties.seedOf('decider'), wire)).toThrow(
      expect.objectContaining({ code: 'BATCH' }),
    );
  });
});
