import { ed25519PublicKey, ed25519Sign, ed25519Verify } from '#crypto';
import { z } from 'zod';

import { base64, fromBase64, fromUtf8 } from '../formats/bytes.ts';
import { canonicalBytes, type Json } from '../formats/canonical-json.ts';
import { pae } from '../formats/dsse.ts';
import { keyIdOf } from '../formats/keys.ts';
import { parseJson } from '../formats/strict-json.ts';
import { parseTime } from '../formats/time.ts';
import type { Evidence, Proposal } from './types.ts';

export const CI_PAYLOAD_TYPE = 'application/vnd.countersign.ci+json;v=1';
/** A statement's own levels of JSON: { resource: {} }. */
const CI_DEPTH_MAX = 2;
/** Two clocks may differ by this much before a statement counts as made in the future. */
export const EVIDENCE_SKEW_MS_MAX = 60_000;

/** A registered party's key of the proposal's tenant. */
export interface EvidenceKey {
  readonly issuer: string;
  readonly type: string;
  readonly publicKey: Uint8Array;
}
export type EvidenceKeyOf = (keyid: string) => EvidenceKey | undefined;

/** What a pipeline states: this artifact passed, for this operation on this target. Times are RFC 3339 in UTC with milliseconds. */
const ciStatement = z.strictObject({
  tenant: z.string(),
  type: z.literal('ci'),
  resource: z.strictObject({ type: z.string(), id: z.string() }),
  operation: z.string(),
  artifactDigest: z.string().min(1),
  conclusion: z.literal('success'),
  issuedAt: z.string(),
  expiresAt: z.string(),
});
export type CiStatement = z.infer<typeof ciStatement>;

export interface CiQuestion {
  readonly proposal: Proposal;
  /** What the contract's artifact pointer holds. */
  readonly artifact: Json | undefined;
  readonly executors: readonly string[];
  readonly nowMs: number;
  readonly evidenceKey: EvidenceKeyOf;
}

/** Whether a registered CI party, neither proposer nor executor, vouches for exactly this artifact, operation and target, now. */
export function checkCiEvidence(question: CiQuestion): boolean {
  return (question.proposal.evidence ?? []).some((evidence) => evidence.type === 'ci' && vouches(evidence, question));
}

function vouches(evidence: Evidence, { proposal, artifact, executors, nowMs, evidenceKey }: CiQuestion): boolean {
  if (evidence.payloadType !== CI_PAYLOAD_TYPE) return false;
  const key = evidenceKey(evidence.keyid);
  if (key?.type !== 'ci' || key.issuer === proposal.issuer || executors.includes(key.issuer)) return false;
  const statement = verifiedStatement(evidence, key.publicKey);
  return (
    statement?.tenant === proposal.tenant &&
    statement.resource.type === proposal.resource.type &&
    statement.resource.id === proposal.resource.id &&
    statement.operation === proposal.operation &&
    statement.artifactDigest === artifact &&
    parseTime(statement.issuedAt) <= nowMs + EVIDENCE_SKEW_MS_MAX &&
    nowMs < parseTime(statement.expiresAt)
  );
}

/** The evidence comes from outside: undefined for whatever is not exactly one signed statement. */
function verifiedStatement(evidence: Evidence, publicKey: Uint8Array): CiStatement | undefined {
  try {
    const payload = fromBase64(evidence.payload);
    if (!ed25519Verify(publicKey, pae(evidence.payloadType, payload), fromBase64(evidence.signature))) return undefined;
    const statement = ciStatement.parse(parseJson(fromUtf8(payload), { maxDepth: CI_DEPTH_MAX }));
    parseTime(statement.issuedAt);
    parseTime(statement.expiresAt);
    return statement;
  } catch {
    return undefined;
  }
}

/** What a pipeline does with its result; `seed` is its 32-byte private key. */
export function signCiStatement(statement: CiStatement, seed: Uint8Array): Evidence {
  const payload = canonicalBytes(statement);
  return {
    type: 'ci',
    payloadType: CI_PAYLOAD_TYPE,
    payload: base64(payload),
    keyid: keyIdOf(ed25519PublicKey(seed)),
    signature: base64(ed25519Sign(seed, pae(CI_PAYLOAD_TYPE, payload))),
  };
}
