import { ed25519PublicKey, ed25519Sign, ed25519Verify, sha256Hex } from '#crypto';

import { base64, fromBase64, fromUtf8 } from '../formats/bytes.ts';
import { canonicalBytes } from '../formats/canonical-json.ts';
import { pae } from '../formats/dsse.ts';
import { keyIdOf } from '../formats/keys.ts';
import { parseJson } from '../formats/strict-json.ts';
import { parseTime } from '../formats/time.ts';
import { EVIDENCE_AGE_SECONDS_MAX } from './class-rule.ts';
import {
  isOf,
  PARTY_OF,
  parseStatement,
  type Statement,
  statementPayloadType,
  type StatementType,
  type StatementVersion,
  type Vouched,
} from './statements.ts';
import type { Evidence, Shown } from './types.ts';

export type { CiStatement, DelegationStatement, IncidentStatement, ReviewStatement, StatementType } from './statements.ts';

/** A statement's own levels of JSON: { resource: {}, facts: {} }. */
const STATEMENT_DEPTH_MAX = 2;
/** Two clocks may differ by this much before a statement counts as made in the future. */
export const EVIDENCE_SKEW_MS_MAX = 60_000;

/** A registered party's key of the proposal's tenant. */
export interface EvidenceKey {
  readonly issuer: string;
  readonly type: string;
  readonly publicKey: Uint8Array;
}
export type EvidenceKeyOf = (keyid: string) => EvidenceKey | undefined;

export interface EvidenceQuestion extends Vouched {
  /** Of the bundle. From format 2 on a statement has an age, and counts so often only. */
  readonly version: StatementVersion;
  readonly executors: readonly string[];
  readonly nowMs: number;
  /** How old it may be; looked at from version 2 on. */
  readonly maxAgeMs: number;
  readonly evidenceKey: EvidenceKeyOf;
  /** For how many decisions a statement has counted, by the hex SHA-256 of its payload. */
  readonly timesUsed: (digest: string) => number;
}

export interface Evident<S extends Statement = Statement> {
  readonly statement: S;
  readonly shown: Shown;
}

/**
 * The first statement with which a registered party of the type for it, neither proposer nor executor, vouches for exactly this, now. `used`:
 * there is one, and it has counted as often as it may.
 */
export function evidenceOf<T extends StatementType>(type: T, question: EvidenceQuestion): Evident<StatementOf<T>> | 'used' | undefined {
  let found: 'used' | undefined;
  for (const evidence of question.proposal.evidence ?? []) {
    const evident = evidence.type === type ? vouchedFor(type, evidence, question) : undefined;
    if (evident && question.timesUsed(evident.shown.digest) < (evident.statement.uses ?? 1)) return evident;
    if (evident) found = 'used';
  }
  return found;
}

export type StatementOf<T extends StatementType> = Extract<Statement, { readonly type: T }>;

function vouchedFor<T extends StatementType>(type: T, evidence: Evidence, question: EvidenceQuestion): Evident<StatementOf<T>> | undefined {
  const { proposal, version, executors, nowMs, maxAgeMs, evidenceKey } = question;
  if (evidence.payloadType !== statementPayloadType(type, version)) return undefined;
  const key = evidenceKey(evidence.keyid);
  if (key?.type !== PARTY_OF[type] || key.issuer === proposal.issuer || executors.includes(key.issuer)) return undefined;
  const statement = verifiedStatement(type, evidence, { publicKey: key.publicKey, version });
  if (!statement || !isOf(statement, question)) return undefined;
  const [issuedAtMs, expiresAtMs] = [parseTime(statement.issuedAt), parseTime(statement.expiresAt)];
  const untilMs = version === 1 ? expiresAtMs : Math.min(expiresAtMs, issuedAtMs + maxAgeMs);
  if (issuedAtMs > nowMs + EVIDENCE_SKEW_MS_MAX || nowMs >= untilMs) return undefined;
  // Another bundle may take an older one, up to this age: until then it must be known that it was used.
  const usableUntilMs = Math.min(expiresAtMs, issuedAtMs + EVIDENCE_AGE_SECONDS_MAX * 1000);
  const shown = {
    type,
    issuer: key.issuer,
    keyid: evidence.keyid,
    digest: sha256Hex(fromBase64(evidence.payload)),
    untilMs,
    usableUntilMs,
  };
  return { statement: statement as StatementOf<T>, shown };
}

/** The evidence comes from outside: undefined for whatever is not exactly one signed statement. */
function verifiedStatement(
  type: StatementType,
  evidence: Evidence,
  { publicKey, version }: { readonly publicKey: Uint8Array; readonly version: StatementVersion },
): Statement | undefined {
  try {
    const payload = fromBase64(evidence.payload);
    if (!ed25519Verify(publicKey, pae(evidence.payloadType, payload), fromBase64(evidence.signature))) return undefined;
    const statement = parseStatement(type, version, parseJson(fromUtf8(payload), { maxDepth: STATEMENT_DEPTH_MAX }));
    parseTime(statement.issuedAt);
    parseTime(statement.expiresAt);
    return statement;
  } catch {
    return undefined;
  }
}

/** What a party does with what it states; `seed` is its 32-byte private key. With a `blind` it is of version 2. */
export function signStatement(statement: Statement, seed: Uint8Array): Evidence {
  const payload = canonicalBytes(statement);
  const payloadType = statementPayloadType(statement.type, statement.blind === undefined ? 1 : 2);
  return {
    type: statement.type,
    payloadType,
    payload: base64(payload),
    keyid: keyIdOf(ed25519PublicKey(seed)),
    signature: base64(ed25519Sign(seed, pae(payloadType, payload))),
  };
}
