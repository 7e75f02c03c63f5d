/** Exported tiles, checked by the tool that operators of tlog-tiles logs use: every bundle, every tile, the root and its signature. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { ed25519PublicKey } from '#crypto';
import { formatVkey, leafHash, rootOf, signCheckpoint, utf8 } from '#domain';

import { writeTiles } from '../../apps/cli/src/commands/export-tiles.ts';
import { goldenLogs } from './golden.ts';
import { ask, goProgram, PREPARE_MAX_MS, type Tool } from './toolchains.ts';

const ORIGIN = 'foreign.test/t/1';
const SEED = new Uint8Array(32).fill(5);

describe("Tessera's fsck", { timeout: 60_000 }, () => {
  let go: Tool;
  const work = mkdtempSync(join(tmpdir(), 'countersign-fsck-'));
  beforeAll(async () => {
    go = await goProgram(join(import.meta.dirname, 'tessera'));
  }, PREPARE_MAX_MS);
  afterAll(() => {
    rmSync(work, { recursive: true });
  });
  const fsck = (vkey: string, folders: readonly string[]): Promise<string[]> => ask<string>(go, [], [vkey, ...folders]);

  it('finds no fault in the tiles of any golden log', async ({ skip }) => {
    if ('missing' in go) skip(go.missing);
    for (const { version, tenant, tree, verifier } of goldenLogs()) {
      const folder = join(work, version, tenant);
      writeTiles(tree, folder);
      expect(await fsck(verifier.vkey, [folder]), `${version} ${tenant}`).toEqual(['']);
    }
  });

  it.for([1, 255, 256, 257, 65_536 + 256 + 3])('finds no fault in a log of %d entries', async (size, { skip }) => {
    if ('missing' in go) skip(go.missing);
    expect(await fsck(VKEY, [tilesOf(size)])).toEqual(['']);
  });

  it('finds one changed byte in any file', async ({ skip }) => {
    if ('missing' in go) skip(go.missing);
    const folders = ['checkpoint', 'tile/0/000', 'tile/0/001.p/44', 'tile/1/000.p/1', 'tile/entries/000', 'tile/entries/001.p/44'].map(
      (name) => {
        const folder = tilesOf(300);
        const bytes = readFileSync(join(folder, name));
        const middle = bytes.length >> 1;
        bytes[middle] = (bytes[middle] ?? 0) ^ 1;
        writeFileSync(join(folder, name), bytes);
        return folder;
      },
    );
    expect(await fsck(VKEY, folders)).not.toContain('');
  });

  function tilesOf(size: number): string {
    const folder = mkdtempSync(join(work, `${size}-`));
    const entries = Array.from({ length: size }, (_, at) => utf8(`entry ${at}`));
    const leafHashes = entries.map(leafHash);
    const root = rootOf(leafHashes);
    const checkpoint = signCheckpoint({ origin: ORIGIN, size: BigInt(size), root }, SEED);
    writeTiles({ origin: ORIGIN, root, entries, leafHashes, checkpoint }, folder);
    return folder;
  }
});

const VKEY = formatVkey(ORIGIN, ed25519PublicKey(SEED));
