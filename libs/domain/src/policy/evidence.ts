import { ed25519PublicKey, ed25519Sign, ed25519Verify } from '#crypto';

import { base64, fromBase64, fromUtf8 } from '../formats/bytes.ts';
import { canonicalBytes, type Json } from '../formats/canonical-json.ts';
import { pae } from '../formats/dsse.ts';
import { keyIdOf } from '../formats/keys.ts';
import { parseJson } from '../formats/strict-json.ts';
import { parseTime } from '../formats/time.ts';
import { isOf, PARTY_OF, parseStatement, type Statement, statementPayloadType, type StatementType } from './statements.ts';
import type { Evidence, Proposal } from './types.ts';

export type { CiStatement, DelegationStatement, IncidentStatement, ReviewStatement, StatementType } from './statements.ts';

/** A statement's own levels of JSON: { resource: {} }. */
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

export interface EvidenceQuestion {
  readonly proposal: Proposal;
  /** What the contract's artifact pointer holds. */
  readonly artifact: Json | undefined;
  readonly executors: readonly string[];
  readonly nowMs: number;
  readonly evidenceKey: EvidenceKeyOf;
}

/** The first statement with which a registered party of the type for it, neither proposer nor executor, vouches for exactly this proposal, now. */
export function evidenceOf<T extends StatementType>(type: T, question: EvidenceQuestion): StatementOf<T> | undefined {
  for (const evidence of question.proposal.evidence ?? []) {
    const statement = evidence.type === type ? vouchedFor(type, evidence, question) : undefined;
    if (statement) return statement;
  }
  return undefined;
}

type StatementOf<T extends StatementType> = Extract<Statement, { readonly type: T }>;

function vouchedFor<T extends StatementType>(
  type: T,
  evidence: Evidence,
  { proposal, artifact, executors, nowMs, evidenceKey }: EvidenceQuestion,
): StatementOf<T> | undefined {
  if (evidence.payloadType !== statementPayloadType(type)) return undefined;
  const key = evidenceKey(evidence.keyid);
  if (key?.type !== PARTY_OF[type] || key.issuer === proposal.issuer || executors.includes(key.issuer)) return undefined;
  const statement = verifiedStatement(type, evidence, key.publicKey);
  const holds =
    statement !== undefined &&
    isOf(statement, proposal, artifact) &&
    parseTime(statement.issuedAt) <= nowMs + EVIDENCE_SKEW_MS_MAX &&
    nowMs < parseTime(statement.expiresAt);
  return holds ? (statement as StatementOf<T>) : undefined;
}

/** The evidence comes from outside: undefined for whatever is not exactly one signed statement. */
function verifiedStatement(type: StatementType, evidence: Evidence, publicKey: Uint8Array): Statement | undefined {
  try {
    const payload = fromBase64(evidence.payload);
    if (!ed25519Verify(publicKey, pae(evidence.payloadType, payload), fromBase64(evidence.signature))) return undefined;
    const statement = parseStatement(type, parseJson(fromUtf8(payload), { maxDepth: STATEMENT_DEPTH_MAX }));
    parseTime(statement.issuedAt);
    parseTime(statement.expiresAt);
    return statement;
  } catch {
    return undefined;
  }
}

/** What a party does with what it states; `seed` is its 32-byte private key. */
export function signStatement(statement: Statement, seed: Uint8Array): Evidence {
  const payload = canonicalBytes(statement);
  const payloadType = statementPayloadType(statement.type);
  return {
    type: statement.type,
    payloadType,
    payload: base64(payload),
    keyid: keyIdOf(ed25519PublicKey(seed)),
    signature: base64(ed25519Sign(seed, pae(payloadType, payload))),
  };
}
