import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { type BundleDocument, BundleError, fromUtf8, type Json, parseBundle, parseJson } from '#domain';

/**
 * Reads a bundle from a folder; policy ids and connectors are file names without extension. Throws BundleError or CanonicalJsonError for a
 * file that is malformed, and for one that is missing; whether the bundle may be activated is the engine's to say.
 *
 *   bundle.json { format, name } · schema.cedarschema · policies/<id>.cedar · classes.json · contracts/<connector>.json ·
 *   resources.json · envelopes.json · approval-rules.json · windows.json ·
 *   actors.json, approver-groups.json and limits.json, if there are such
 */
export function loadBundleFolder(folder: string): BundleDocument {
  const text = (name: string): string => readText(join(folder, name));
  const json = (name: string): Json => parseJson(text(name));
  const head = json('bundle.json');
  if (typeof head !== 'object' || head === null || Array.isArray(head))
    throw new BundleError('SHAPE', `${join(folder, 'bundle.json')}: not an object`);
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
    ...(readdirSync(folder).includes('limits.json') ? { limits: json('limits.json') } : {}),
  };
  return parseBundle(document).document;
}

/** Throws for bytes that are no UTF-8: with something else in their place a policy would be another one, and nobody would be told. */
export function readText(file: string): string {
  const bytes = readFileSync(file);
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw new BundleError('SHAPE', `${file}: not valid utf-8`, { cause });
  }
}

/** Every file must be one of the kind: a misspelt extension would leave a policy out. */
function eachFile<T>(folder: string, sub: string, extension: string, read: (name: string) => T): Record<string, T> {
  const names = readdirSync(join(folder, sub)).sort();
  const odd = names.find((name) => !name.endsWith(extension));
  if (odd !== undefined) throw new BundleError('SHAPE', `${join(folder, sub, odd)}: expected only ${extension} files`);
  return Object.fromEntries(names.map((name) => [basename(name, extension), read(join(sub, name))]));
}
