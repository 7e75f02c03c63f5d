import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { schemasFolder } from '#adapters';
import { ENTRY_KINDS, type EntryKind, INVARIANTS, parseTrust, verifyReceipt } from '#domain';

import { checkLane, readBatches } from '../lane/lane-topics.ts';
import { checkEntrySchema } from '../lane/entry-schema.ts';
import { FakeEngine } from '../policy/fake-engine.ts';
import { goldenFiles, readGolden } from './files.ts';
import { goldenStory } from './story.ts';

const folderOf = (version: string): string => join(schemasFolder(), '..', 'test', 'golden', version);

describe.each(readdirSync(folderOf('')))('the golden ledger %s', (version) => {
  const golden = readGolden(folderOf(version));
  const entries = readBatches(golden).flatMap((batch) => batch.entries);

  it('is valid for this version: every link, seal, root and receipt, and every decision made again', async () => {
    const checked = await checkLane(golden, new FakeEngine(), golden);
    expect(checked).toMatchObject({ status: 'valid', pending: 0, unreplayable: 0, headsAhead: 0, receipts: entries.length });
    expect(checked.invariants.filter(({ status }) => status !== 'holds')).toEqual([]);
    expect(checked.invariants.find(({ id }) => id === 'I7')?.checked).toBe(entries.length);
    expect(Object.keys(INVARIANTS)).toHaveLength(10);
  });

  it('gives receipts that verify offline with its trust files', () => {
    for (const [at, { tenant, proof }] of golden.receipts.entries()) {
      const trust = parseTrust(readFileSync(join(folderOf(version), `trust-${tenant}.txt`), 'utf8'));
      const { origin } = entries[at]?.statement.predicate ?? { origin: '' };
      expect(verifyReceipt(proof, { origin, verifier: trust.log, trust }).entry).toEqual(entries[at]?.record.entry);
    }
  });

  it('holds entries that fit the schemas of today', () => {
    for (const { kind, record } of entries) checkEntrySchema(kind, record.entry);
  });
});

const LATER: ReadonlySet<EntryKind> = new Set<EntryKind>([
  ...(['claim.granted', 'claim.refused', 'outcome.recorded', 'effect.uncertain', 'rollback.granted'] as const),
  ...(['approval.recorded', 'freeze.raised', 'freeze.lifted', 'input.erased'] as const),
]);

describe('the golden ledger v1', () => {
  const entries = readBatches(readGolden(folderOf('v1'))).flatMap((batch) => batch.entries);

  it('has every kind of entry, every refusal and every kind of verdict', () => {
    // Its bytes never change: kinds that came after it are not in it.
    expect(new Set(entries.map(({ kind }) => kind))).toEqual(new Set(ENTRY_KINDS.filter((kind) => !LATER.has(kind))));
    const said = (member: string) => new Set(entries.flatMap(({ statement }) => statement.predicate[member] ?? []));
    expect(said('code')).toEqual(new Set(['ENCODING', 'SIGNATURE', 'LANE', 'SIZE', 'ISSUER', 'BODY'].map((code) => `REFUSED_${code}`)));
    expect(said('verdict')).toEqual(new Set(['ALLOW', 'DENY', 'ESCALATE', 'WOULD_ALLOW', 'WOULD_DENY', 'WOULD_ESCALATE']));
    for (const reason of [
      'MALFORMED',
      'EXPIRED',
      'CONFLICT',
      'UNKNOWN_ISSUER',
      'UNKNOWN_CLASS',
      'CONTRACT',
      'ENVELOPE',
      'NO_MATCH',
      'POLICY',
    ]) {
      expect(said('reasons')).toContain(`DENY_${reason}`);
    }
  });

  // Whatever changes these bytes is another version of the rules: it gets a folder of its own, and this one stays.
  it('would be written today byte for byte', () => {
    const files = goldenFiles(goldenStory());
    expect([...files.keys()].sort()).toEqual(readdirSync(folderOf('v1')).sort());
    for (const [name, text] of files) expect(readFileSync(join(folderOf('v1'), name), 'utf8'), name).toBe(text);
  });
});
