import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';

import { base64, parsePayload, parseVkey } from '#domain';
import { ed25519PublicKey } from '#crypto';

import { Home, homeFolder } from './home.ts';
import { writeNew } from './files.ts';

const root = mkdtempSync(join(tmpdir(), 'countersign-home-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});
let count = 0;
const newFolder = () => join(root, `home-${count++}`);
const options = { name: 'ledger.example', lanes: 2, topicPrefix: '', nowMs: 1_767_225_600_000 };
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe('Home.create', () => {
  it('makes a ledger that opens again with the same facts', () => {
    const folder = newFolder();
    const made = Home.create(folder, options);
    const opened = Home.open(folder);
    expect(opened.config).toStrictEqual(made.config);
    expect(opened.birth()).toStrictEqual(made.birth());
    expect(opened.config.systemLogs.map((log) => log.lane)).toStrictEqual([0, 1]);
    for (const log of opened.config.systemLogs) expect(parseVkey(log.vkey).name).toBe(log.origin);
    expect(opened.birth().admin.publicKey).toStrictEqual(ed25519PublicKey(opened.key('admin')));
    const payload = JSON.parse(Buffer.from(opened.config.initialised.payload, 'base64').toString()) as never;
    expect(parsePayload('ledger.initialised', payload).ok).toBe(true);
  });

  it('keeps secrets for the owner alone, whatever the umask', () => {
    const folder = newFolder();
    const before = process.umask(0);
    try {
      const home = Home.create(folder, options);
      home.createKey('platform-a/b');
      home.keepToken('../acme', 'cs_x');
      home.subfolder('guard');
    } finally {
      process.umask(before);
    }
    expect(mode(join(folder, 'ledger.json'))).toBe('644');
    for (const secret of ['keys', 'tokens', 'guard']) expect(mode(join(folder, secret))).toBe('700');
    const files = ['keys', 'tokens'].flatMap((name) => readdirSync(join(folder, name)).map((file) => join(folder, name, file)));
    expect(files).toHaveLength(6);
    for (const file of files) expect(mode(file)).toBe('600');
  });

  it('refuses a folder that holds a ledger, and leaves it as it was', () => {
    const folder = newFolder();
    Home.create(folder, options);
    const before = readFileSync(join(folder, 'ledger.json'), 'utf8');
    expect(() => Home.create(folder, options)).toThrow(expect.objectContaining({ code: 'LEDGER_EXISTS' }));
    expect(readFileSync(join(folder, 'ledger.json'), 'utf8')).toBe(before);
  });

  it('goes on where it was killed, and never replaces a seed', () => {
    const folder = newFolder();
    const seed = Home.create(folder, options).key('ledger');
    rmSync(join(folder, 'ledger.json'));
    rmSync(join(folder, 'keys', 'gateway.key'));
    expect(Home.create(folder, options).key('ledger')).toStrictEqual(seed);
  });

  it('leaves no temporary file', () => {
    const folder = newFolder();
    Home.create(folder, options);
    expect(readdirSync(folder).sort()).toStrictEqual(['keys', 'ledger.json']);
    expect(readdirSync(join(folder, 'keys')).sort()).toStrictEqual(['admin.key', 'decider.key', 'gateway.key', 'ledger.seed']);
    expect(writeNew(join(folder, 'ledger.json'), 'x', 0o644)).toBe(false);
    expect(readdirSync(folder)).toHaveLength(2);
  });
});

describe('Home.open', () => {
  it('says what to do when there is no ledger', () => {
    expect(() => Home.open(newFolder())).toThrow(/countersign init/);
    expect(existsSync(join(root, `home-${count - 1}`))).toBe(false);
  });

  it('refuses a ledger.json that is not what its birth says', () => {
    const folder = newFolder();
    const home = Home.create(folder, options);
    const file = join(folder, 'ledger.json');
    const changes = [
      { lanes: 3 },
      { adminKeyid: home.config.gatewayKeyid },
      { extra: 1 },
      { initialised: { ...home.config.initialised, sha256: '0'.repeat(64) } },
    ];
    for (const change of changes) {
      writeFileSync(file, JSON.stringify({ ...home.config, ...change }));
      expect(() => Home.open(folder)).toThrow(expect.objectContaining({ code: 'DAMAGED' }));
    }
    writeFileSync(file, '{"format":1');
    expect(() => Home.open(folder)).toThrow(expect.objectContaining({ code: 'DAMAGED' }));
  });

  it('refuses a key that others can read, a missing one and a damaged one, and shows none', () => {
    const folder = newFolder();
    const home = Home.create(folder, options);
    const file = join(folder, 'keys', 'admin.key');
    const text = readFileSync(file, 'utf8').trim();
    chmodSync(file, 0o640);
    expect(() => home.key('admin')).toThrow(expect.objectContaining({ code: 'KEY_EXPOSED' }));
    chmodSync(file, 0o600);
    expect(base64(home.key('admin'))).toBe(text);
    expect(inspect(home, { depth: 9, showHidden: true }) + JSON.stringify(home)).not.toContain(text);
    expect(() => home.key('platform-acme')).toThrow(expect.objectContaining({ code: 'NO_KEY' }));
    writeFileSync(join(folder, 'keys', 'gateway.key'), `${text.slice(4)}\n`);
    expect(() => home.key('gateway')).toThrow(
      expect.objectContaining({ code: 'DAMAGED', message: expect.not.stringContaining(text.slice(4)) as string }),
    );
  });

  it('opens with ledger.json alone: a service holds only the keys it signs with', () => {
    const folder = newFolder();
    Home.create(folder, options);
    rmSync(join(folder, 'keys'), { recursive: true });
    expect(Home.open(folder).birth().ledger).toBe('ledger.example');
  });
});

describe('homeFolder', () => {
  it('is the option, else COUNTERSIGN_DATA, else .countersign', () => {
    expect(homeFolder('/a', { COUNTERSIGN_DATA: '/b' })).toBe('/a');
    expect(homeFolder(undefined, { COUNTERSIGN_DATA: '/b' })).toBe('/b');
    expect(homeFolder(undefined, {})).toBe(join(process.cwd(), '.countersign'));
  });

  it('is relative to where the person called npm, when npm says where', () => {
    const env = { INIT_CWD: '/home/ada' };
    expect(homeFolder('data', env)).toBe('/home/ada/data');
    expect(homeFolder(undefined, { ...env, COUNTERSIGN_DATA: 'data' })).toBe('/home/ada/data');
    expect(homeFolder(undefined, env)).toBe('/home/ada/.countersign');
    expect(homeFolder('/a', env)).toBe('/a');
    expect(homeFolder('data', { INIT_CWD: '' })).toBe(join(process.cwd(), 'data'));
  });
});
