import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createContext, runInContext } from 'node:vm';

import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const golden = join(root, 'test/golden/v1');
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

const trust = readFileSync(join(golden, 'trust-acme.txt'), 'utf8');
const [line = ''] = readFileSync(join(golden, 'receipts.jsonl'), 'utf8')
  .split('\n')
  .filter((each) => each.includes('"acme"'));
const { proof } = JSON.parse(line) as { proof: string };
const receipt = Buffer.from(proof, 'base64').toString();
/** One bit of the entry's base64, in the middle of the second line. */
const forged = receipt.replace(/(?<=extra .{40})./, (letter) => (letter === 'A' ? 'B' : 'A'));

/** What a page would do: two receipts, one of them with a bit flipped. */
const CHECK = `(trust, receipts) => receipts.map((text) => {
  try {
    const { log } = countersign.parseTrust(trust);
    const { index } = countersign.verifyReceipt(new TextEncoder().encode(text), { origin: log.name, verifier: log });
    return 'valid ' + index;
  } catch (error) {
    return 'refused ' + error.code;
  }
})`;
const ANSWER = ['valid 0', expect.stringMatching(/^refused /)];

/** Tree hashes, signatures and the formats, minified: more means that something else crept in. */
const SCRIPT_BYTES_MAX = 100_000;

let folder: string;
let script: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-browser-'));
  await build({
    root,
    configFile: false,
    logLevel: 'silent',
    resolve: { conditions: ['countersign-source', 'browser'] },
    build: {
      outDir: folder,
      emptyOutDir: false,
      lib: { entry: join(root, 'libs/sdk/src/verify.ts'), formats: ['iife'], name: 'countersign', fileName: () => 'verify.js' },
    },
  });
  script = readFileSync(join(folder, 'verify.js'), 'utf8');
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('the verifier, built for browsers', () => {
  it('asks for nothing that only Node has', () => {
    expect(script.length).toBeLessThan(SCRIPT_BYTES_MAX);
    const page = createContext({ TextEncoder, TextDecoder, atob, btoa });
    runInContext(`${script};globalThis.countersign = countersign;`, page);
    expect(runInContext(`JSON.stringify((${CHECK})(${JSON.stringify(trust)}, ${JSON.stringify([receipt, forged])}))`, page)).toSatisfy(
      (json: string) => {
        expect(JSON.parse(json)).toEqual(ANSWER);
        return true;
      },
    );
  });

  it.skipIf(CHROMIUM === undefined)('verifies and refuses in a real browser (skipped without Chromium)', async () => {
    const page = join(folder, 'page.html');
    const call = `(${CHECK})(${JSON.stringify(trust)}, ${JSON.stringify([receipt, forged])})`;
    writeFileSync(
      page,
      `<meta charset="utf-8"><script src="verify.js"></script><pre id="out"></pre>
<script>document.getElementById('out').textContent = ${call.replaceAll('</', '<\\/')}.join('|')</script>`,
    );
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-sync', '--no-first-run', '--disable-background-networking'];
    const profile = `--user-data-dir=${join(folder, 'profile')}`;
    const { stdout } = await promisify(execFile)(CHROMIUM ?? '', [...flags, profile, '--dump-dom', `file://${page}`]);
    expect(/<pre id="out">(.*)<\/pre>/.exec(stdout)?.[1]?.split('|')).toEqual(ANSWER);
  });
});
