import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { ed25519PublicKey } from '#crypto';
import { consistencyProof, formatConsistency, formatTrust, formatVkey, leafHash, rootOf, signCheckpoint, utf8 } from '#domain';

import { countersign } from './run.ts';

const ORIGIN = 'cli.test/t/0123456789abcdef';
const SEED = new Uint8Array(32).fill(9);
const VKEY = formatVkey(ORIGIN, ed25519PublicKey(SEED));
const leaves = [0, 1, 2, 3, 4].map((at) => leafHash(utf8(`entry ${at}`)));
const forked = [...leaves.slice(1), ...leaves.slice(0, 1)];
const checkpoint = (size: number, of = leaves): string =>
  signCheckpoint({ origin: ORIGIN, size: BigInt(size), root: rootOf(of.slice(0, size)) }, SEED);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-verify-'));
  const files = { old: checkpoint(3), new: checkpoint(5), fork: checkpoint(5, forked), 'log.trust': formatTrust(VKEY) };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  writeFileSync(join(folder, 'proof'), formatConsistency(consistencyProof(leaves, 3, 5)));
  writeFileSync(join(folder, 'empty'), '');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});
const verify = (...args: string[]) => countersign(['verify', 'consistency', ...args], folder);

describe('countersign verify consistency', () => {
  it('says valid in a folder that holds nothing but checkpoints, proof and trust file', async () => {
    const { code, stdout, stderr } = await verify('old', 'new', 'proof', '--trust', 'log.trust');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('VALID');
  });

  it('takes the key by itself, and an empty file for equal sizes', async () => {
    const { code, stdout } = await verify('old', 'old', 'empty', '--vkey', VKEY, '--origin', ORIGIN, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ valid: true, origin: ORIGIN, old: { treeSize: '3' }, new: { treeSize: '3' } });
  });

  it.each([
    ['a log that was rewritten', ['old', 'fork', 'proof'], 'ROOT_MISMATCH'],
    ['two logs of one size', ['new', 'fork', 'empty'], 'ROOT_MISMATCH'],
    ['a log that shrank', ['new', 'old', 'proof'], 'RANGE'],
    ['no proof where one is needed', ['old', 'new', 'empty'], 'PROOF_LENGTH'],
    ['a proof that is none', ['old', 'new', 'log.trust'], 'MALFORMED'],
    ['a checkpoint that is none', ['proof', 'new', 'proof'], 'MALFORMED'],
  ])('refuses %s', async (_what, files, refusal) => {
    const { code, stdout, stderr } = await verify(...files, '--trust', 'log.trust', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({ valid: false, code: refusal, error: expect.any(String) as string });
    expect(stderr).toBe('');
  });

  it.each([
    [['proof', 'new', 'proof'], 'MALFORMED: older checkpoint proof: note:'],
    [['old', 'proof', 'proof'], 'MALFORMED: newer checkpoint proof: note:'],
    [['old', 'new', 'log.trust'], 'MALFORMED: proof log.trust: consistency proof: no'],
    [['old', 'fork', 'proof'], 'ROOT_MISMATCH: older checkpoint old, newer checkpoint fork and proof proof do not fit together: '],
    [
      ['new', 'old', 'proof'],
      'RANGE: older checkpoint new, newer checkpoint old: size 3 does not extend size 5: ' +
        'if they are in the wrong order, swap them: countersign verify consistency old new proof',
    ],
  ])('names the file that is wrong: %s', async (files, said) => {
    const { code, stdout, stderr } = await verify(...files, '--trust', 'log.trust');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(`INVALID ${said}`);
  });

  it('says which log was expected and which came, and asks for the trust file', async () => {
    const other = 'cli.test/t/other';
    writeFileSync(join(folder, 'other.trust'), formatTrust(formatVkey(other, ed25519PublicKey(SEED))));
    const { code, stderr } = await verify('old', 'new', 'proof', '--trust', 'other.trust');
    const asked = 'is other.trust the trust file of this log?';
    expect(code).toBe(1);
    expect(stderr).toBe(`INVALID ORIGIN: older checkpoint old: checkpoint: expected origin ${other}, got ${ORIGIN}: ${asked}\n`);
  });

  it('says with --json what it could not tell as an error, with the exit code', async () => {
    const { code, stdout, stderr } = await verify('none', 'new', 'proof', '--trust', 'log.trust', '--json');
    expect([code, stdout]).toEqual([2, '']);
    expect(JSON.parse(stderr)).toEqual({ error: expect.stringContaining('none cannot be read') as string, code: 2 });
  });

  it.each([
    ['a missing file', ['none', 'new', 'proof', '--trust', 'log.trust']],
    ['no key', ['old', 'new', 'proof']],
    ['no proof named', ['old', 'new', '--trust', 'log.trust']],
  ])('cannot tell with %s', async (_what, args) => {
    const { code, stdout } = await verify(...args);
    expect([code, stdout]).toEqual([2, '']);
  });
});
