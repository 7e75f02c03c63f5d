import { sha256Hex } from '#crypto';

import { canonicalBytes, CanonicalJsonError, type Json } from '../formats/canonical-json.ts';
import { FormatError } from '../formats/errors.ts';
import { wordsBeyondFormat } from './format-words.ts';
import { policyTables } from './tables.ts';
import type { Bundle, BundleDocument } from './types.ts';

export class BundleError extends FormatError<'SHAPE' | 'SIZE'> {}

/** A bundle travels as one control record of at most 768 KiB. */
export const BUNDLE_DOCUMENT_BYTES_MAX = 768 * 1024;

/** Reads a bundle's document; its name is the SHA-256 of its canonical form. Throws BundleError. */
export function parseBundle(document: Json): Bundle {
  const bytes = bytesOf(document);
  if (bytes.length > BUNDLE_DOCUMENT_BYTES_MAX) {
    throw new BundleError('SIZE', `bundle has ${bytes.length} bytes, at most ${BUNDLE_DOCUMENT_BYTES_MAX}`);
  }
  // A reader that assigns this name would set a prototype, and drop the member: no bundle needs it.
  if (hasMember(document, '__proto__')) throw new BundleError('SHAPE', 'bundle has a member named __proto__');
  const read = policyTables.safeParse(document);
  if (!read.success) {
    const issue = read.error.issues[0];
    throw new BundleError('SHAPE', `bundle: ${issue?.path.join('/') ?? ''}: ${issue?.message ?? 'malformed'}`);
  }
  const [word] = wordsBeyondFormat(read.data);
  if (word !== undefined) throw new BundleError('SHAPE', `bundle: ${word}`);
  const contracts = Object.entries(read.data.contracts);
  return {
    digest: sha256Hex(bytes),
    document: document as BundleDocument,
    tables: read.data,
    contractDigests: new Map(contracts.map(([id, contract]) => [id, sha256Hex(canonicalBytes(contract))])),
  };
}

function bytesOf(document: Json): Uint8Array {
  try {
    return canonicalBytes(document);
  } catch (cause) {
    if (cause instanceof CanonicalJsonError) throw new BundleError('SHAPE', `bundle: ${cause.message}`, { cause });
    throw cause;
  }
}

/** Depth was bounded by canonicalBytes. */
function hasMember(value: Json, name: string): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some((item) => hasMember(item, name));
  return Object.hasOwn(value, name) || Object.values(value).some((member) => hasMember(member, name));
}
