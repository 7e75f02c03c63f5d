import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, it } from 'vitest';

import { ed25519PublicKey } from '#crypto';
import { formatTrust, formatVkey } from '#domain';

import { CliError, COULD_NOT_TELL } from './errors.ts';
import { trustOf } from './trust.ts';

const VKEY = formatVkey('cli.test/t/1', ed25519PublicKey(new Uint8Array(32).fill(9)));
const folder = mkdtempSync(join(tmpdir(), 'countersign-trust-'));
const file = join(folder, 'log.trust');
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('what a verifier trusts', () => {
  it('is a file, or a key with the name of its log', () => {
    writeFileSync(file, `# größer\n${formatTrust(VKEY)}`);
    expect(trustOf({ trust: file }).log.vkey).toBe(VKEY);
    expect(trustOf({ vkey: VKEY, origin: 'cli.test/t/1' }).log.vkey).toBe(VKEY);
  });

  it('is no file with bytes that are no utf-8, wherever they are', () => {
    writeFileSync(file, Buffer.concat([Buffer.from('# '), Uint8Array.of(0xff), Buffer.from(`\n${formatTrust(VKEY)}`)]));
    const refused = { message: expect.stringContaining('log.trust cannot be used (bytes are not valid utf-8)') as string };
    expect(() => trustOf({ trust: file })).toThrow(CliError);
    expect(() => trustOf({ trust: file })).toThrow(expect.objectContaining({ ...refused, exitCode: COULD_NOT_TELL }));
  });
});
