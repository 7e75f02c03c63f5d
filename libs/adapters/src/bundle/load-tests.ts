import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { type BundleDocument, parseBundle, parseJson, parsePolicyTests, type PolicyTest } from '#domain';

import { loadBundleFolder, readText } from './load-folder.ts';

/** Its document, from a folder or from a file that holds the document itself. Throws for what is missing or malformed. */
export function loadBundle(path: string): BundleDocument {
  return statSync(path).isDirectory() ? loadBundleFolder(path) : parseBundle(parseJson(readText(path))).document;
}

/** The tests beside a bundle, `tests/<any>.json`, each a list. None for a file, or without such a folder. Throws for a malformed one. */
export function loadBundleTests(path: string): PolicyTest[] {
  if (!statSync(path).isDirectory() || !readdirSync(path).includes('tests')) return [];
  const folder = join(path, 'tests');
  const names = readdirSync(folder).sort();
  const odd = names.find((name) => !name.endsWith('.json'));
  if (odd !== undefined) throw new Error(`${join(folder, odd)}: expected only .json files`);
  return names.flatMap((name) => {
    const file = join(folder, name);
    const text = readText(file);
    try {
      return parsePolicyTests(parseJson(text));
    } catch (error) {
      throw new Error(`${file}: ${error instanceof Error ? error.message : 'malformed'}`, { cause: error });
    }
  });
}
