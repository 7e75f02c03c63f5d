/** What `countersign export` says of an --out, a tenant or a size that cannot be, and that it leaves nothing behind then. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';

import { TENANT, World } from '../support/world.ts';
import { countersign, type Ended } from './run.ts';

let world: World;
let work: string;
beforeAll(async () => {
  world = await World.open(inject('brokers'), 'export');
});
afterAll(() => world.close());
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'countersign-export-'));
  return () => {
    rmSync(work, { recursive: true });
  };
});
const exported = (...args: string[]): Promise<Ended> =>
  countersign(['export', ...args, '--data', world.home.folder], work, { KAFKA_BROKERS: world.brokers.join(',') });
const receipt = (...args: string[]): Promise<Ended> => exported('receipt', '--tenant', TENANT, '--index', '0', ...args);
const consistency = (from: string, to: string): Promise<Ended> => exported('consistency', '--tenant', TENANT, '--from', from, '--to', to);
const refused = (code: number, said: string): object => ({ code, stdout: '', stderr: expect.stringContaining(said) as string });

describe('countersign export', () => {
  it('makes the folder of an --out when there is something for it', async () => {
    expect(await receipt('--out', 'a/b')).toMatchObject({ code: 0, stderr: '' });
    expect(readdirSync(join(work, 'a', 'b')).sort()).toEqual(['0.dsse.json', '0.entry.json', '0.tlog-proof']);
    expect(await exported('tiles', '--tenant', TENANT, '--out', 'c/d')).toMatchObject({ code: 0, stderr: '' });
    expect(readdirSync(join(work, 'c', 'd')).sort()).toEqual(['checkpoint', 'tile']);
  });

  it('leaves no folder behind for a tenant that has no log', async () => {
    const folder = join(work, 'tiles');
    expect(await exported('tiles', '--tenant', 'nobody', '--out', folder)).toMatchObject(refused(1, 'no receipt of nobody'));
    expect(existsSync(folder)).toBe(false);
  });

  it('says of an --out that is a file, or a folder where a file is asked for, what it should be', async () => {
    writeFileSync(join(work, 'file'), 'kept');
    expect(await receipt('--out', 'file')).toMatchObject(refused(2, '--out file cannot be used'));
    expect(await exported('tiles', '--tenant', TENANT, '--out', 'file')).toMatchObject(refused(2, '--out file cannot be used'));
    expect(await exported('checkpoint', '--tenant', TENANT, '--out', work)).toMatchObject(refused(2, 'it is a folder: name a file'));
    expect(readFileSync(join(work, 'file'), 'utf8')).toBe('kept');
  });

  it('takes no ledger.seed that is none, and has written nothing then', async () => {
    writeFileSync(join(work, 'ledger.seed'), 'AQID\n');
    const said = `--keys ${join(work, 'ledger.seed')}: expected 32 bytes in base64, got 3`;
    expect(await receipt('--out', 'out', '--keys', work)).toMatchObject(refused(2, said));
    expect(await exported('dsse', '--tenant', TENANT, '--index', '0', '--keys', work)).toMatchObject(refused(2, said));
    expect(readdirSync(work)).toEqual(['ledger.seed']);
  });

  it('refuses a tenant by its form, with --json as one JSON value', async () => {
    const { code, stdout, stderr } = await exported('checkpoint', '--tenant', '', '--json');
    expect([code, stdout]).toEqual([2, '']);
    expect(JSON.parse(stderr)).toEqual({ error: expect.stringMatching(/^--tenant: expected .* got ""$/) as string, code: 2 });
  });

  it('says which sizes there are, and how to ask the other way round', async () => {
    expect(await consistency('9'.repeat(23), '1')).toMatchObject(refused(1, '--from: expected a tree size from 1 to '));
    const swapped = `countersign export consistency --tenant ${TENANT} --from 1 --to 2`;
    expect(await consistency('2', '1')).toMatchObject(refused(2, `--from 2 must not exceed --to 1, as a log only grows: ${swapped}`));
  });
});
