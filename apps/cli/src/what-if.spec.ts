import { codecs, type FollowedEntry, sealInput } from '#adapters';
import { ed25519PublicKey } from '#crypto';
import { base64, formatTime, keyIdOf, sealEnvelope } from '#domain';
import { CI_SEED, FakeEngine, NOON_MS, testBundle, testEvidence, testProposal, testWayBack } from '#testing';
import { describe, expect, it } from 'vitest';

import { DecisionReader, whatIf } from './what-if.ts';

const inputKey = new Uint8Array(32).fill(1);
const before = testBundle();
const after = testBundle({ envelopes: {} });
const engine = new FakeEngine();

function entry(leafIndex: number, kind: string, members: object, input: Uint8Array = new Uint8Array()): FollowedEntry {
  const predicate = { origin: 'o', index: String(leafIndex), decidedAt: formatTime(NOON_MS - 100 + leafIndex), rules: 2, ...members };
  return {
    kind,
    record: { tenant: 'acme', leafIndex, input },
    statement: { predicate, subject: [{ name: `a-${leafIndex}` }] },
  } as unknown as FollowedEntry;
}
const publicKey = ed25519PublicKey(CI_SEED);
const registered = (leafIndex: number) =>
  entry(leafIndex, 'issuer.registered', { issuer: 'ci', type: 'ci', keys: [{ keyid: keyIdOf(publicKey), publicKey: base64(publicKey) }] });

const BIRTH = 'b'.repeat(64);

function decided(leafIndex: number, reason = 'ALLOW_POLICY'): FollowedEntry {
  const { tenant, ...proposal } = testProposal({ evidence: [testEvidence({ birth: BIRTH }), testWayBack({ birth: BIRTH })] });
  const body = Object.fromEntries(Object.entries(proposal).filter(([name]) => name !== 'issuer' && name !== 'id'));
  const head = {
    ledger: 'l',
    birth: BIRTH,
    tenant,
    issuer: 'platform',
    id: 'a-1',
    issuedAtMs: NOON_MS,
    expiresAtMs: NOON_MS + 1000,
    blind: new Uint8Array(32),
  };
  const envelope = sealEnvelope({ kind: 'action.proposed', body, head, seed: new Uint8Array(32).fill(2), lane: 0 });
  return entry(
    leafIndex,
    'action.decided',
    { verdict: 'ALLOW', reasons: [reason] },
    sealInput(codecs.signedEnvelope.encode(envelope), inputKey),
  );
}
function read(max: number, ...entries: FollowedEntry[]): DecisionReader {
  const reader = new DecisionReader(max);
  for (const each of entries) reader.add(each);
  return reader;
}
const told = (reader: DecisionReader, key: Uint8Array = inputKey) =>
  reader.decisions.map((each) => whatIf(each, key, reader, { before, after, engine }));

describe('a decision under another bundle', () => {
  it('is made of the same proposal at the same moment, under both', () => {
    const [first] = told(read(10, registered(0), decided(1)));
    expect(first).toMatchObject({
      tenant: 'acme',
      index: '1',
      ledger: 'ALLOW ALLOW_POLICY',
      before: 'ALLOW ALLOW_POLICY',
      after: 'DENY DENY_ENVELOPE',
    });
  });
  it('counts evidence by those who were registered then', () => {
    const revoked = entry(2, 'issuer.revoked', { issuer: 'ci' });
    const verdicts = told(read(10, registered(0), decided(1), revoked, decided(3))).map((each) => each?.before);
    expect(verdicts).toEqual(['ALLOW ALLOW_POLICY', 'DENY DENY_MISSING_EVIDENCE']);
    expect(told(read(10, decided(1), registered(2)))[0]?.before).toBe('DENY DENY_MISSING_EVIDENCE');
  });
  it('counts evidence by the keys that the party had then', () => {
    const other = ed25519PublicKey(new Uint8Array(32).fill(9));
    const named = (key: Uint8Array) => ({ keyid: keyIdOf(key), publicKey: base64(key) });
    const begun = entry(0, 'issuer.registered', { issuer: 'ci', type: 'ci', keys: [named(other)] });
    const added = entry(2, 'key.added', { issuer: 'ci', key: named(publicKey) });
    const revoked = entry(4, 'key.revoked', { issuer: 'ci', revokes: keyIdOf(publicKey) });
    const verdicts = told(read(10, begun, decided(1), added, decided(3), revoked, decided(5))).map((each) => each?.before);
    expect(verdicts).toEqual(['DENY DENY_MISSING_EVIDENCE', 'ALLOW ALLOW_POLICY', 'DENY DENY_MISSING_EVIDENCE']);
  });
  it('is unknown when its proposal is gone', () => {
    const reader = read(10, registered(0), decided(1));
    expect([whatIf(decided(1), undefined, reader, { before, after, engine }), ...told(reader, new Uint8Array(32))]).toEqual([
      undefined,
      undefined,
    ]);
  });
  it('is not asked for what policy did not decide, and only for the last', () => {
    expect(read(10, decided(1, 'DENY_LIMIT'), decided(2, 'DENY_FROZEN')).decisions).toEqual([]);
    expect(read(2, ...[1, 2, 3, 4, 5].map((at) => decided(at))).decisions.map(({ record }) => record.leafIndex)).toEqual([4, 5]);
  });
});
