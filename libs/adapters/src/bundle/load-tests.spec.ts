import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { canonicalBytes, parseBundle, utf8 } from '#domain';
import { copyStandardBundle } from '#testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { testBundleInChild } from '../cedar/check-child.ts';
import { loadBundleFolder } from './load-folder.ts';
import { loadBundle, loadBundleTests } from './load-tests.ts';

let folder: string;
beforeEach(() => {
  folder = copyStandardBundle();
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe("a bundle's own tests", () => {
  it('are not part of its document', () => {
    const before = parseBundle(loadBundle(folder)).digest;
    writeFileSync(join(folder, 'tests', 'more.json'), '[]');
    expect(parseBundle(loadBundle(folder)).digest).toBe(before);
    rmSync(join(folder, 'tests'), { recursive: true });
    expect(parseBundle(loadBundle(folder)).digest).toBe(before);
    expect(loadBundleTests(folder)).toEqual([]);
  });
  it('are refused with a file of another kind, or one that is malformed, by its name', () => {
    writeFileSync(join(folder, 'tests', 'more.jsno'), '[]');
    expect(() => loadBundleTests(folder)).toThrow('expected only .json files');
    rmSync(join(folder, 'tests', 'more.jsno'));
    writeFileSync(join(folder, 'tests', 'more.json'), '[{}]');
    expect(() => loadBundleTests(folder)).toThrow('more.json');
    writeFileSync(join(folder, 'tests', 'more.json'), Uint8Array.of(0x5b, 0x5d, 0xff));
    expect(() => loadBundleTests(folder)).toThrow('more.json: not valid utf-8');
  });
  it('run in a process of their own, in their order', { timeout: 30_000 }, async () => {
    const tests = loadBundleTests(folder).slice(0, 3);
    const tested = await testBundleInChild(canonicalBytes(loadBundle(folder)), tests);
    expect('results' in tested && tested.results.map(({ name, ok }) => [name, ok])).toEqual(tests.map(({ name }) => [name, true]));
    expect(await testBundleInChild(utf8('{}'), tests)).toHaveProperty('refusals');
  });
});

it('a bundle may be one file, its document', () => {
  const file = join(folder, 'document.json');
  writeFileSync(file, canonicalBytes(loadBundleFolder(folder)));
  expect(loadBundle(file)).toEqual(loadBundleFolder(folder));
  expect(loadBundleTests(file)).toEqual([]);
  writeFileSync(file, Buffer.concat([canonicalBytes(loadBundleFolder(folder)), Uint8Array.of(0xff)]));
  expect(() => loadBundle(file)).toThrow(`${file}: not valid utf-8`);
});
