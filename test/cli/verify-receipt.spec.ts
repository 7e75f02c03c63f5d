import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { ed25519PublicKey } from '#crypto';
import { canonicalBytes, formatProof, formatTrust, formatVkey, leafHash, signCheckpoint, tailInclusionProofs, EMPTY_RANGE } from '#domain';

import { countersign } from './run.ts';

const ORIGIN = 'cli.test/t/0123456789abcdef';
const SEED = new Uint8Array(32).fill(9);
const VKEY = formatVkey(ORIGIN, ed25519PublicKey(SEED));

const entryAt = (index: number): Uint8Array =>
  canonicalBytes({
    _type: 'https://in-toto.io/Statement/v1',
    predicate: { origin: ORIGIN, index: String(index), decidedAt: '2026-11-25T12:00:00.000Z', verdict: 'ALLOW', reasons: ['ALLOW_POLICY'] },
    predicateType: 'urn:countersign:action.decided:v1',
    subject: [{ name: `action-${index}`, digest: { sha256: '00'.repeat(32) } }],
  });

/** The receipt of index 3 in a log of five, made with nothing but the formats. */
function receipt(): { proof: string; entry: Uint8Array } {
  const leaves = [0, 1, 2, 3, 4].map((index) => leafHash(entryAt(index)));
  const { root, proofs } = tailInclusionProofs(EMPTY_RANGE, leaves);
  const checkpoint = signCheckpoint({ origin: ORIGIN, size: 5n, root }, SEED);
  const entry = entryAt(3);
  return { proof: formatProof({ entry, index: 3n, proof: proofs[3] ?? [], checkpoint }), entry };
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-verify-'));
  writeFileSync(join(folder, 'receipt.tlog-proof'), receipt().proof);
  writeFileSync(join(folder, 'log.trust'), formatTrust(VKEY));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});
const verify = (...args: string[]) => countersign(['verify', 'receipt', ...args], folder);

describe('countersign verify receipt', () => {
  it('says valid in a folder that holds nothing but receipt and trust file', async () => {
    const { code, stdout, stderr } = await verify('receipt.tlog-proof', '--trust', 'log.trust');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toContain('VALID');
    expect(stdout).toContain('action-3');
  });

  it('takes the key by itself, and the entry from a file of its own', async () => {
    writeFileSync(join(folder, 'entry.json'), receipt().entry);
    const { code, stdout } = await verify('receipt.tlog-proof', 'entry.json', '--vkey', VKEY, '--origin', ORIGIN, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ valid: true, origin: ORIGIN, index: '3', treeSize: '5' });
  });

  it.each([0.1, 0.5, 0.9])('refuses the receipt with one bit flipped (at %d of its length)', async (part) => {
    const bytes = readFileSync(join(folder, 'receipt.tlog-proof'));
    const at = Math.floor(bytes.length * part);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(join(folder, 'receipt.tlog-proof'), bytes);
    const { code, stdout, stderr } = await verify('receipt.tlog-proof', '--trust', 'log.trust', '--json');
    expect([code, stderr]).toEqual([1, '']);
    expect(JSON.parse(stdout)).toEqual({ valid: false, code: expect.any(String) as string, error: expect.any(String) as string });
  });

  it("refuses another log's receipt", async () => {
    writeFileSync(join(folder, 'other.trust'), formatTrust(formatVkey('cli.test/t/other', ed25519PublicKey(SEED))));
    const { code, stderr } = await verify('receipt.tlog-proof', '--trust', 'other.trust');
    expect(code).toBe(1);
    expect(stderr).toContain(
      `WRONG_ORIGIN: receipt: checkpoint: expected origin cli.test/t/other, got ${ORIGIN}: is other.trust the trust`,
    );
  });

  it.each([
    ['a missing receipt', ['none.tlog-proof', '--trust', 'log.trust']],
    ['a missing trust file', ['receipt.tlog-proof', '--trust', 'none.trust']],
    ['no key at all', ['receipt.tlog-proof']],
    ['a key without its origin', ['receipt.tlog-proof', '--vkey', VKEY]],
    ['a trust file that is none', ['receipt.tlog-proof', '--trust', 'receipt.tlog-proof']],
    ['an unknown option', ['receipt.tlog-proof', '--trusted', 'log.trust']],
  ])('cannot tell with %s, and says so in one line', async (_what, args) => {
    const { code, stdout, stderr } = await verify(...args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
