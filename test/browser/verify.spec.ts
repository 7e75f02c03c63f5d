import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createContext, runInContext } from 'node:vm';

import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { fromUtf8 } from '#domain';
import { readGolden, WRITTEN } from '#testing';

import { changed } from '../foreign/golden.ts';

const root = join(import.meta.dirname, '../..');
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

/** Every receipt of acme, and after each the same with one character of its entry changed. */
function callOf(version: string): { call: string; answer: unknown[] } {
  const folder = join(root, 'test/golden', version);
  const receipts = readGolden(folder)
    .receipts.filter(({ tenant }) => tenant === 'acme')
    .map(({ proof }) => fromUtf8(proof));
  const forged = receipts.map((receipt) => changed(receipt, receipt.indexOf('extra ') + 46)); // in the middle of the second line
  const texts = receipts.flatMap((receipt, at) => [receipt, forged[at]]);
  const answer = receipts.flatMap((_, at): unknown[] => [`valid ${at}`, expect.stringMatching(/^refused /)]);
  const trust = readFileSync(join(folder, 'trust-acme.txt'), 'utf8');
  return { call: `(${CHECK})(${JSON.stringify(trust)}, ${JSON.stringify(texts)})`, answer };
}

/** What a page would do. */
const CHECK = `(trust, receipts) => receipts.map((text) => {
  try {
    const { log } = countersign.parseTrust(trust);
    const { index } = countersign.verifyReceipt(new TextEncoder().encode(text), { origin: log.name, verifier: log });
    return 'valid ' + index;
  } catch (error) {
    return 'refused ' + error.code;
  }
})`;

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

describe.each(WRITTEN)('the verifier, built for browsers, golden %s', (version) => {
  const { call, answer } = callOf(version);

  it('asks for nothing that only Node has', () => {
    expect(script.length).toBeLessThan(SCRIPT_BYTES_MAX);
    const page = createContext({ TextEncoder, TextDecoder, atob, btoa });
    runInContext(`${script};globalThis.countersign = countersign;`, page);
    expect(JSON.parse(runInContext(`JSON.stringify(${call})`, page) as string)).toEqual(answer);
  });

  it.skipIf(CHROMIUM === undefined)('verifies and refuses in a real browser (skipped without Chromium)', async () => {
    const page = join(folder, 'page.html');
    writeFileSync(
      page,
      `<meta charset="utf-8"><script src="verify.js"></script><pre id="out"></pre>
<script>document.getElementById('out').textContent = ${call.replaceAll('</', '<\\/')}.join('|')</script>`,
    );
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-sync', '--no-first-run', '--disable-background-networking'];
    const profile = `--user-data-dir=${join(folder, 'profile')}`;
    const { stdout } = await promisify(execFile)(CHROMIUM ?? '', [...flags, profile, '--dump-dom', `file://${page}`]);
    expect(/<pre id="out">(.*)<\/pre>/.exec(stdout)?.[1]?.split('|')).toEqual(answer);
  });
});
