import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { schemasFolder } from '#adapters';
import { fromUtf8 } from '#domain';

const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false });
const compiled = new Map<string, ValidateFunction>();

/** Throws unless E fits schemas/entries/<kind>.schema.json. */
export function checkEntrySchema(kind: string, bytes: Uint8Array): void {
  const file = join(schemasFolder(), 'entries', `${kind}.schema.json`);
  const validate = compiled.get(kind) ?? ajv.compile(JSON.parse(readFileSync(file, 'utf8')) as object);
  compiled.set(kind, validate);
  const text = fromUtf8(bytes);
  if (!validate(JSON.parse(text))) throw new Error(`${kind} does not fit its schema: ${ajv.errorsText(validate.errors)}\n${text}`);
}
