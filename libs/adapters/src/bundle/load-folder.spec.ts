import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { copyStandardBundle, STANDARD_BUNDLE } from '#testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { loadBundleFolder } from './load-folder.ts';

let folder: string;
beforeEach(() => {
  folder = copyStandardBundle();
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('a bundle folder', () => {
  it('is one document, the same wherever it lies', () => {
    const document = loadBundleFolder(folder);
    expect(document).toEqual(loadBundleFolder(STANDARD_BUNDLE));
    expect(document.name).toBe('standard');
  });
  it('is refused with a policy file of another extension: it would be left out', () => {
    writeFileSync(join(folder, 'policies', 'forbid-all.ceder'), 'forbid (principal, action, resource);');
    expect(() => loadBundleFolder(folder)).toThrow('expected only .cedar files');
  });
  it('is refused without one of its files', () => {
    rmSync(join(folder, 'envelopes.json'));
    expect(() => loadBundleFolder(folder)).toThrow('envelopes.json');
  });
  it.each(['schema.cedarschema', 'windows.json', 'policies/control-needs-second-admin.cedar'])(
    'is refused with bytes in %s that are no utf-8, by its name',
    (name) => {
      const file = join(folder, name);
      writeFileSync(file, Buffer.concat([readFileSync(file), Uint8Array.of(0xff)]));
      expect(() => loadBundleFolder(folder)).toThrow(`${file}: not valid utf-8`);
    },
  );
  it('is refused with a member named twice', () => {
    writeFileSync(join(folder, 'windows.json'), '{"a":1,"a":2}');
    expect(() => loadBundleFolder(folder)).toThrow('two members');
  });
});
