import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testBundle } from '#testing';
import { afterAll, expect, it } from 'vitest';

import { issueToken, tokenHashOf } from '../controls/controls.ts';
import { Home } from '../home/home.ts';
import { missingControls } from './births.ts';
import { LedgerFacts } from './facts.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-births-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const home = Home.create(join(folder, 'data'), { name: 'ledger.example', lanes: 1, topicPrefix: '', nowMs: Date.now() });
const kept = issueToken(home, { tenant: 'acme', roles: ['read'], validUntilMs: Date.now() + 60_000 }).bearer;

/** Kinds of what is missing for acme on a ledger that has these tokens of it, and everything else. */
function missing(tokens: readonly { readonly bearer: string; readonly revoked?: boolean }[]): string[] {
  home.keepToken('acme', kept);
  const facts = new LedgerFacts();
  facts.bundles.set(0, 'digest');
  facts.tenants.set('acme', {
    ...{ tenant: 'acme', lane: 0, origin: 'o', vkey: 'v', closed: [] },
    issuers: new Map(['platform-acme', 'ci-acme', 'incident-desk-acme', 'runner'].map((issuer) => [issuer, false])),
    tokens: new Map(tokens.map(({ bearer, revoked = false }, at) => [`token-${at}`, { tokenHash: tokenHashOf(bearer), revoked }])),
  });
  return missingControls(home, facts, { tenants: ['acme'], actors: [], bundle: testBundle().document }).map(
    ({ id }) => id.split('-')[0] ?? '',
  );
}

it('a demo token that is kept and on the ledger is left alone', () => {
  expect(missing([{ bearer: kept }])).toEqual([]);
  expect(home.token('acme')).toBe(kept);
});

it.each([
  ['was never published, although another one is good', [{ bearer: 'cs_other' }]],
  ['was revoked, although another one is good', [{ bearer: kept, revoked: true }, { bearer: 'cs_other' }]],
])('a demo token that %s is issued anew', (_, tokens) => {
  expect(missing(tokens)).toEqual(['token.issued']);
  expect(home.token('acme')).not.toBe(kept);
});
