import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { schemasFolder } from '#adapters';
import { ENTRY_KINDS, INVARIANTS, KINDS_SINCE_RULES_2, parseTrust, REASONS, type SealedEntry, verifyReceipt } from '#domain';

import { checkLane, readBatches } from '../lane/lane-topics.ts';
import { checkEntrySchema } from '../lane/entry-schema.ts';
import { FakeEngine } from '../policy/fake-engine.ts';
import { goldenFiles, readGolden } from './files.ts';
import { STORIES } from './stories.ts';

const folderOf = (version: string): string => join(schemasFolder(), '..', 'test', 'golden', version);
const VERSIONS = readdirSync(folderOf(''));
const entriesOf = (version: string): SealedEntry[] => readBatches(readGolden(folderOf(version))).flatMap((batch) => batch.entries);
/** Told, and not yet written down for ever. */
const UNWRITTEN = [...STORIES].filter(([version]) => !VERSIONS.includes(version));
/** Everything that these entries say under one name. */
const said = (entries: readonly SealedEntry[], member: string) =>
  new Set(entries.flatMap(({ statement }) => statement.predicate[member] ?? []));

describe.each(VERSIONS)('the golden ledger %s', (version) => {
  const golden = readGolden(folderOf(version));
  const entries = entriesOf(version);

  it('is valid for this version: every link, seal, root and receipt, and every decision made again', async () => {
    const checked = await checkLane(golden, new FakeEngine(), golden);
    expect(checked).toMatchObject({ status: 'valid', pending: 0, unreplayable: 0, headsAhead: 0, receipts: entries.length });
    // Only a broker knows when a record was appended.
    expect(checked.invariants.filter(({ status }) => status !== 'holds').map(({ id }) => id)).toEqual(['I11']);
    expect(checked.invariants.find(({ id }) => id === 'I7')?.checked).toBe(entries.length - checked.erased);
    expect(Object.keys(INVARIANTS)).toHaveLength(11);
  });

  it('gives receipts that verify offline with its trust files', () => {
    const texts = readdirSync(folderOf(version)).filter((name) => name.startsWith('trust-'));
    const trusts = texts.map((name) => parseTrust(readFileSync(join(folderOf(version), name), 'utf8')));
    for (const [at, { proof }] of golden.receipts.entries()) {
      const { origin } = entries[at]?.statement.predicate ?? { origin: '' };
      const trust = trusts.find(({ log }) => log.name === origin);
      if (!trust) throw new Error(`no trust file of ${origin}`);
      expect(verifyReceipt(proof, { origin, verifier: trust.log, trust }).entry).toEqual(entries[at]?.record.entry);
    }
  });

  it('holds entries that fit the schemas of today', () => {
    for (const { kind, record } of entries) checkEntrySchema(kind, record.entry);
  });

  // Whatever changes these bytes is another version of the rules: it gets a folder of its own, and this one stays.
  it('would be written today byte for byte', () => {
    const story = STORIES.get(version);
    if (!story) throw new Error(`no story tells ${version}`);
    const files = goldenFiles(story());
    expect([...files.keys()].sort()).toEqual(readdirSync(folderOf(version)).sort());
    for (const [name, text] of files) expect(readFileSync(join(folderOf(version), name), 'utf8'), name).toBe(text);
  });
});

describe('the golden ledgers together', () => {
  const entries = [
    ...VERSIONS.flatMap(entriesOf),
    ...UNWRITTEN.flatMap(([, story]) => readBatches(story()).flatMap((batch) => batch.entries)),
  ];

  it('have every kind of entry: a new kind is in a new version', () => {
    expect(new Set(entries.map(({ kind }) => kind))).toEqual(new Set(ENTRY_KINDS));
  });

  /** It takes thousands of entries, or more open questions than a ledger to be read needs. */
  const LIMITS = ['DENY_LIMIT', 'CLAIM_LIMIT'];
  it('have every reason that an entry gives, but the limits', () => {
    const codes = [...REASONS].filter(([code, { on }]) => !LIMITS.includes(code) && ENTRY_KINDS.some((kind) => kind === on));
    const told = new Set(['reasons', 'outcome', 'code'].flatMap((member) => [...said(entries, member)]));
    expect(codes.filter(([code]) => !told.has(code)).map(([code]) => code)).toEqual([]);
  });
});

describe('the golden ledger v1', () => {
  const entries = entriesOf('v1');

  it('has every refusal and every kind of verdict', () => {
    expect(said(entries, 'code')).toEqual(
      new Set(['ENCODING', 'SIGNATURE', 'LANE', 'SIZE', 'ISSUER', 'BODY'].map((code) => `REFUSED_${code}`)),
    );
    expect(said(entries, 'verdict')).toEqual(new Set(['ALLOW', 'DENY', 'ESCALATE', 'WOULD_ALLOW', 'WOULD_DENY', 'WOULD_ESCALATE']));
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
      expect(said(entries, 'reasons')).toContain(`DENY_${reason}`);
    }
  });
});

const ENDS_SINCE_RULES_2 = ['CANCELLED_REVOKED'];
describe('the golden ledger v2', () => {
  const entries = entriesOf('v2');
  const of = (kind: string) => entries.filter((entry) => entry.kind === kind);
  const outcomes = of('outcome.recorded').map(({ statement }) => statement.predicate as unknown as { outcome: string; status: string });

  it('has every kind of entry of rules 1, and every way in which an escalation ends', () => {
    expect(new Set(entries.map(({ kind }) => kind))).toEqual(new Set(ENTRY_KINDS.filter((kind) => !KINDS_SINCE_RULES_2.includes(kind))));
    const ends = [...REASONS]
      .filter(([, { on }]) => on === 'escalation.settled')
      .map(([code]) => code)
      .filter((code) => !ENDS_SINCE_RULES_2.includes(code));
    expect(said(of('escalation.settled'), 'outcome')).toEqual(new Set([...ends, 'DENY_UNKNOWN_ISSUER', 'DENY_FROZEN', 'DENY_STOPPED']));
  });

  it('has freezes and stops of every scope, and what they stand in the way of', () => {
    const raised = of('freeze.raised').map(({ statement: { predicate } }) => predicate);
    const scopes = raised.map(({ scope }) => (scope as { kind: string }).kind);
    expect(new Set(scopes)).toEqual(new Set(['all', 'tenant', 'class', 'connector', 'agent']));
    expect(said(of('freeze.raised'), 'level')).toEqual(new Set(['freeze', 'stop']));
    expect(raised.some(({ until }) => until !== undefined)).toBe(true);
    for (const reason of ['DENY_FROZEN', 'DENY_STOPPED']) expect(said(of('action.decided'), 'reasons')).toContain(reason);
  });

  it('has reports of every kind, in time and late, and effects of which nobody reports', () => {
    const reported = new Set(outcomes.map(({ outcome, status }) => `${outcome} ${status}`));
    for (const kind of ['result', 'healthcheck', 'rollback']) {
      for (const status of ['succeeded', 'failed']) expect(reported).toContain(`${kind} ${status}`);
    }
    expect(said(of('outcome.recorded'), 'late')).toEqual(new Set([true, false]));
    expect(said(of('effect.uncertain'), 'awaited')).toEqual(new Set(['result', 'healthcheck', 'rollback']));
    expect(said(of('rollback.granted'), 'operation')).toEqual(new Set(['undo']));
  });

  it('has decisions of every verdict that name an incident, and entries whose input is erased', async () => {
    const during = of('action.decided').filter(({ statement: { predicate } }) => predicate['incident'] !== undefined);
    expect(said(during, 'verdict')).toEqual(new Set(['ALLOW', 'DENY', 'ESCALATE']));
    const golden = readGolden(folderOf('v2'));
    const { erased } = await checkLane(golden, new FakeEngine(), golden);
    expect(erased).toBeGreaterThan(of('input.erased').length);
  });
});
