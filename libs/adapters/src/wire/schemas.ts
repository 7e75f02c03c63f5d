/** The schemas folder of the repository, read once per name; the same from source and from dist. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { AvroRecordSchema } from './single-object.ts';

export const SCHEMA_NAMES = [
  'SignedEnvelope',
  'LedgerEntry',
  'PlacedEntry',
  'InputKey',
  'Receipt',
  'Verdict',
  'TreeHead',
  'NotaryPosition',
  'DeadLetter',
  'SnapshotManifest',
  'SnapshotChunk',
  'LaneClock',
] as const;
export type SchemaName = (typeof SCHEMA_NAMES)[number];

/** schemas/<name>.avsc: what this version writes. */
export function currentSchema(name: SchemaName): AvroRecordSchema {
  return readSchema(join(schemasFolder(), `${name}.avsc`));
}

/** schemas/history/<name>/*.avsc: everything that was ever written under this name, the current one included. */
export function writtenSchemas(name: SchemaName): AvroRecordSchema[] {
  const folder = join(schemasFolder(), 'history', name);
  if (!existsSync(folder)) return []; // the specs demand one for every schema
  const files = readdirSync(folder).filter((file) => file.endsWith('.avsc'));
  return files.sort().map((file) => readSchema(join(folder, file)));
}

/** The nearest folder `schemas` above this file. */
export function schemasFolder(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'schemas', 'SignedEnvelope.avsc'))) return join(folder, 'schemas');
    if (folder === dirname(folder)) throw new Error('no folder schemas/ above the program: it must be installed beside dist/');
  }
}

/** These files are part of the program, so their shape is trusted; avsc refuses a broken one. */
function readSchema(file: string): AvroRecordSchema {
  return JSON.parse(readFileSync(file, 'utf8')) as AvroRecordSchema;
}
