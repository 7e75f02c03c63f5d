import { sha256Hex } from '#crypto';

import { canonicalBytes, parseCanonical, type Json } from '../formats/canonical-json.ts';
import { parseTime } from '../formats/time.ts';
import { ENTRY_BYTES_MAX, ENTRY_KINDS, KINDS_SINCE_RULES_2, RULES_KNOWN, type EntryKind, type Predicate, type Statement } from './entry.ts';

const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
const DEPTH_MAX = 32; // far above any kind's shape; bounds recursion on hostile bytes
const PREDICATE_TYPE = /^urn:countersign:([a-z.]+):v1$/;

export class EntryError extends Error {
  override readonly name = 'EntryError';
}

/** `subjectDigest` is the payload's SHA-256, or absent for ticks and refused raw bytes: then the predicate's own. */
export function makeStatement(kind: EntryKind, subjectName: string, predicate: Predicate, subjectDigest?: string): Statement {
  return {
    _type: STATEMENT_TYPE,
    predicate,
    predicateType: `urn:countersign:${kind}:v1`,
    subject: [{ digest: { sha256: subjectDigest ?? sha256Hex(canonicalBytes(predicate)) }, name: subjectName }],
  };
}

/** E: the leaf's bytes. */
export const statementBytes = (statement: Statement): Uint8Array => canonicalBytes(statement);

/** Parses E strictly: canonical, a known kind, every common member of the right type. Throws EntryError. */
export function parseStatement(bytes: Uint8Array): { statement: Statement; kind: EntryKind } {
  if (bytes.length > ENTRY_BYTES_MAX) throw new EntryError(`entry of ${bytes.length} bytes, at most ${ENTRY_BYTES_MAX}`);
  const json = parseCanonical(bytes, { maxDepth: DEPTH_MAX });
  if (!isObject(json) || json['_type'] !== STATEMENT_TYPE) throw new EntryError('not an in-toto statement v1');
  const type = json['predicateType'];
  const kind = typeof type === 'string' ? (PREDICATE_TYPE.exec(type)?.[1] as EntryKind | undefined) : undefined;
  if (kind === undefined || !ENTRY_KINDS.includes(kind)) throw new EntryError('unknown kind of entry');
  const predicate = json['predicate'];
  if (!isObject(predicate)) throw new EntryError('predicate is not an object');
  for (const [member, type] of COMMON) {
    if (typeof predicate[member] !== type) throw new EntryError(`predicate.${member}: expected ${type}`);
  }
  if (predicate['bundle'] !== null && typeof predicate['bundle'] !== 'string') throw new EntryError('predicate.bundle');
  if (!isSource(predicate['source'], predicate['rules'])) throw new EntryError('predicate.source');
  if (!(RULES_KNOWN as readonly unknown[]).includes(predicate['rules'])) throw new EntryError('rules of another version');
  if (KINDS_SINCE_RULES_2.includes(kind) && predicate['rules'] === 1) throw new EntryError('unknown kind of entry');
  if (!isTime(predicate['decidedAt'])) throw new EntryError('predicate.decidedAt');
  const subject = json['subject'];
  if (!Array.isArray(subject) || subject.length !== 1 || !isObject(subject[0]) || typeof subject[0]['name'] !== 'string') {
    throw new EntryError('subject');
  }
  const digest = subject[0]['digest'];
  if (!isObject(digest) || typeof digest['sha256'] !== 'string' || !/^[0-9a-f]{64}$/.test(digest['sha256']))
    throw new EntryError('subject digest');
  return { statement: json as unknown as Statement, kind };
}

const COMMON = [
  ['origin', 'string'],
  ['index', 'string'],
  ['previous', 'string'],
  ['decidedAt', 'string'],
  ['rules', 'number'],
  ['engine', 'string'],
] as const;

function isSource(source: Json | undefined, rules: Json | undefined): boolean {
  if (!isObject(source) || !isCount(source['part']) || !isCount(source['parts']) || source['part'] >= source['parts']) return false;
  if (source['kind'] === 'tick') return true;
  const { kind, offset, topic, mac } = source;
  if (kind !== 'record' || (topic !== 'actions' && topic !== 'outcomes' && topic !== 'controls')) return false;
  // From rules 2 on the place itself is beside E; under rules 1 in it, and never both.
  if (rules !== 1) return typeof mac === 'string' && /^[0-9a-f]{64}$/.test(mac) && offset === undefined;
  return (
    mac === undefined &&
    isCount(source['epoch']) &&
    isCount(source['partition']) &&
    typeof offset === 'string' &&
    /^(0|[1-9]\d{0,18})$/.test(offset)
  );
}

function isTime(value: Json | undefined): boolean {
  try {
    return typeof value === 'string' && parseTime(value) >= 0;
  } catch {
    return false;
  }
}

const isCount = (value: Json | undefined): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

const isObject = (json: Json | undefined): json is Record<string, Json> =>
  typeof json === 'object' && json !== null && !Array.isArray(json);
