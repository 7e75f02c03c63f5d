import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { type BundleDocument, type Json, parseBundle, parseJson } from '#domain';

/**
 * Reads a bundle from a folder; policy ids and connectors are file names without extension. Throws for a file that is missing or
 * malformed; whether the bundle may be activated is the engine's to say.
 *
 *   bundle.json { format, name } · schema.cedarschema · policies/<id>.cedar · classes.json · contracts/<connector>.json ·
 *   resources.json · envelopes.json · approval-rules.json · windows.json ·
 *   actors.json and approver-groups.json, if there are such
 */
export function loadBundleFolder(folder: string): BundleDocument {
  const text = (name: string): string => readFileSync(join(folder, name), 'utf8');
  const json = (name: string): Json => parseJson(text(name));
  const head = json('bundle.json');
  if (typeof head !== 'object' || head === null || Array.isArray(head)) throw new Error(`${join(folder, 'bundle.json')}: not an object`);
  const document = {
    ...head,
    cedar: { schema: text('schema.cedarschema'), policies: eachFile(folder, 'policies', '.cedar', text) },
    classes: json('classes.json'),
    contracts: eachFile(folder, 'contracts', '.json', json),
    resources: json('resources.json'),
    envelopes: json('envelopes.json'),
    approvalRules: json('approval-rules.json'),
    windows: json('windows.json'),
    ...(readdirSync(folder).includes('actors.json') ? { actors: json('actors.json') } : {}),
    ...(readdirSync(folder).includes('approver-groups.json') ? { approverGroups: json('approver-groups.json') } : {}),
  };
  return parseBundle(document).document;
}

/** Every file must be one of the kind: a misspelt extension would leave a policy out. */
function eachFile<T>(folder: string, sub: string, extension: string, read: (name: string) => T): Record<string, T> {
  const names = readdirSync(join(folder, sub)).sort();
  const odd = names.find((name) => !name.endsWith(extension));
  if (odd !== undefined) throw new Error(`${join(folder, sub, odd)}: expected only ${extension} files`);
  return Object.fromEntries(names.map((name) => [basename(name, extension), read(join(sub, name))]));
}
