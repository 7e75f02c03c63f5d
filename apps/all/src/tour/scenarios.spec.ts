import { fileURLToPath } from 'node:url';

import { CedarEngine, checkBundleInChild, loadBundleFolder } from '#adapters';
import { ed25519PublicKey } from '#crypto';
import { base64url, canonicalBytes, formatTime, judge, keyIdOf, parseBundle, type Proposal, proposalBody, signStatement } from '#domain';
import { describe, expect, it } from 'vitest';

import { type ProposalBody, scenarios } from './scenarios.ts';

const NOW_MS = Date.UTC(2026, 10, 25, 12);
const SEEDS = { ci: new Uint8Array(32).fill(9), 'incident-desk': new Uint8Array(32).fill(8) };

const document = loadBundleFolder(fileURLToPath(new URL('../../../../policies/standard', import.meta.url)));
const bundle = parseBundle(document);
const engine = new CedarEngine();

let stated = 0;
const blind = (): string => base64url(new Uint8Array(32).fill(stated++));
const times = { issuedAt: formatTime(NOW_MS), expiresAt: formatTime(NOW_MS + 60_000) };
const played = scenarios({
  ci: (tenant, passed) => signStatement({ ...passed, ...times, blind: blind(), tenant, type: 'ci', conclusion: 'success' }, SEEDS.ci),
  incidentDesk: (tenant, open) => signStatement({ ...open, ...times, blind: blind(), tenant, type: 'incident' }, SEEDS['incident-desk']),
});
const proposals = played.filter((scenario) => scenario.kind === 'proposal');

function judged(body: ProposalBody, tenant = 'acme') {
  const proposal: Proposal = { mode: 'enforce', ...body, tenant, issuer: 'platform', id: 'a-1' };
  const evidenceKey = (keyid: string) => {
    const parties = Object.entries(SEEDS).map(([type, seed]) => ({ issuer: type, type, publicKey: ed25519PublicKey(seed) }));
    return parties.find(({ publicKey }) => keyIdOf(publicKey) === keyid);
  };
  return judge({ bundle, proposal, nowMs: NOW_MS, engine, evidenceKey });
}

describe('the standard bundle', () => {
  it('may be activated', () => {
    expect(engine.refusals(bundle)).toEqual([]);
  });
  it('may be activated, says a process of its own', { timeout: 30_000 }, async () => {
    expect(await checkBundleInChild(canonicalBytes(document))).toEqual([]);
  });
  it.each(proposals)('judges $name: $expect.verdict $expect.reason', ({ body, tenant, expect: expected }) => {
    const { verdict, reasons } = judged(body, tenant);
    expect({ verdict: body.mode === 'shadow' ? `WOULD_${verdict}` : verdict, reasons }).toEqual({
      verdict: expected.verdict,
      reasons: [expected.reason],
    });
  });
  it('names release managers for a production change', () => {
    const production = proposals.find(({ id }) => id === 'tour-production-deploy');
    expect(production && judged(production.body).rules).toEqual([
      { id: 'production-change', group: 'release-managers', min: 1, expiresInSeconds: 3600 },
    ]);
  });
  it('never writes high-risk records', () => {
    const own = proposals.find(({ id }) => id === 'tour-own-record');
    const parameters = { ...own?.body.parameters, recordType: 'payment-method' };
    expect(own && judged({ ...own.body, parameters, resource: { type: 'record', id: 'payment-method' } }).reasons).toEqual(['DENY_POLICY']);
  });
});

describe('the tour', () => {
  it('has one proposal per id, and refers only to what came before', () => {
    const seen = new Set<string>();
    for (const { kind, id } of played) {
      expect(seen.has(id)).toBe(kind === 'repeat' || kind === 'conflict');
      seen.add(id);
    }
  });
  it('proposes nothing that is malformed', () => {
    const faults = played.flatMap((scenario) => ('body' in scenario ? (proposalBody.safeParse(scenario.body).error?.issues ?? []) : []));
    expect(faults).toEqual([]);
  });
  it('repeats with the same body and conflicts with another', () => {
    const bodies = new Map(proposals.map(({ id, body }) => [id, JSON.stringify(body)]));
    const same = played.flatMap((scenario) =>
      scenario.kind === 'repeat' || scenario.kind === 'conflict'
        ? [[scenario.kind, JSON.stringify(scenario.body) === bodies.get(scenario.id)]]
        : [],
    );
    expect(same).toEqual([
      ['repeat', true],
      ['conflict', false],
    ]);
  });
});
