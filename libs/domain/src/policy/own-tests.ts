/** A bundle's own tests: proposals with the verdict and the reason that must come of each. Not part of the document or its digest. */
import { z } from 'zod';

import type { Json } from '../formats/canonical-json.ts';
import { FormatError } from '../formats/errors.ts';
import { isIdentifier } from '../formats/ids.ts';
import { formatTime, parseTime } from '../formats/time.ts';
import { CanonicalJsonError } from '../formats/canonical-json.ts';
import { keyIdOf } from '../formats/keys.ts';
import { rehearse, type Rehearsed } from '../decide/rehearse.ts';
import { RULES } from '../ledger/entry.ts';
import { sealEnvelope } from '../payloads/envelope.ts';
import { EVIDENCE_AGE_SECONDS_MAX } from './class-rule.ts';
import { EVIDENCE_WORDS, evidenceFor, EXPIRES_IN_MS, TEST_PARTIES, TEST_PLATFORM_SEED } from './own-test-evidence.ts';
import { own } from './pointer.ts';
import { cedarName } from './spelling.ts';
import type { Bundle, PolicyEngine, Proposal } from './types.ts';
import type { Spent } from './limit.ts';

export class PolicyTestError extends FormatError<'SHAPE'> {}

/** More would be no test of a bundle but of the machine. */
export const POLICY_TESTS_MAX = 2000;

const identifier = z.string().refine(isIdentifier, 'not an identifier');
/** The evidence of a test is from days before at the earliest, and holds until minutes later: those have to be times as well. */
const AROUND_MS = [-EVIDENCE_AGE_SECONDS_MAX * 1000, EXPIRES_IN_MS];
const time = z.string().refine((text) => {
  try {
    return AROUND_MS.every((ms) => formatTime(parseTime(text) + ms) !== text);
  } catch {
    return false;
  }
}, 'not a time such as 2026-11-25T12:00:00.000Z');

export const policyTest = z.strictObject({
  name: z.string().min(1).max(256),
  /** Absent: a Wednesday, noon in UTC. */
  now: time.optional(),
  /** What cumulative limits have counted before, by their ids: for exactly the actor, resource or value that this proposal has. */
  spent: z.record(identifier, z.int().min(0)).optional(),
  proposal: z.strictObject({
    tenant: identifier,
    actor: z.strictObject({ kind: z.enum(['agent', 'person', 'pipeline']), id: identifier, actingFor: identifier.optional() }).optional(),
    class: identifier,
    connector: identifier.optional(),
    contractDigest: z.string().optional(),
    operation: identifier,
    parameters: z.custom<Record<string, Json>>((value) => typeof value === 'object' && value !== null && !Array.isArray(value)),
    resource: z.strictObject({ type: identifier, id: identifier }),
    /** In words: own-test-evidence.ts. */
    evidence: z.array(z.enum(EVIDENCE_WORDS)).max(8).optional(),
    /** What the CI and the reviewer of that evidence found: `facts` of their statements. */
    found: z.record(cedarName, z.union([z.string(), z.int(), z.boolean()])).optional(),
  }),
  expect: z.strictObject({
    verdict: z.enum(['ALLOW', 'DENY', 'ESCALATE']),
    reason: z.string(),
    /** Ids of the policies that determined it, sorted. */
    policies: z.array(z.string()).optional(),
  }),
});
export type PolicyTest = z.infer<typeof policyTest>;

export interface PolicyTestResult {
  readonly name: string;
  readonly ok: boolean;
  readonly verdict: string;
  readonly reasons: readonly string[];
  readonly policies: readonly string[];
}

/** Reads one file of tests. Throws PolicyTestError. */
export function parsePolicyTests(json: Json): PolicyTest[] {
  const read = z.array(policyTest).max(POLICY_TESTS_MAX).safeParse(json);
  if (read.success) return read.data;
  const issue = read.error.issues[0];
  throw new PolicyTestError('SHAPE', `${issue?.path.join('/') ?? ''}: ${issue?.message ?? 'malformed'}`);
}

const NOW_MS = Date.UTC(2026, 10, 25, 12);

/** Through the decider. */
export function runPolicyTest(bundle: Bundle, engine: PolicyEngine, test: PolicyTest): PolicyTestResult {
  const nowMs = test.now === undefined ? NOW_MS : parseTime(test.now);
  const proposal = proposalOf(bundle, test, nowMs);
  const spent: Spent = ({ limit }) => own(test.spent ?? {}, limit) ?? 0;
  const { verdict, reasons, policies } = rehearsed(proposal, { bundle, engine, nowMs, spent, rules: RULES, parties: PARTIES });
  const { expect } = test;
  const isSame = expect.policies === undefined || JSON.stringify(expect.policies) === JSON.stringify(policies);
  return { name: test.name, ok: isSame && verdict === expect.verdict && reasons.join() === expect.reason, verdict, reasons, policies };
}

const PARTIES = TEST_PARTIES.map((party) => ({ ...party, keyid: keyIdOf(party.publicKey) }));
const HEAD = { ledger: 'policy-test', birth: '0'.repeat(64), blind: new Uint8Array(32) };

function rehearsed(proposal: Proposal, by: Omit<Parameters<typeof rehearse>[0], 'envelope'>): Rehearsed {
  const { tenant, issuer, id, birth, ...body } = proposal;
  const times = { issuedAtMs: by.nowMs, expiresAtMs: by.nowMs + EXPIRES_IN_MS };
  try {
    const head = { ...HEAD, ...times, birth, tenant, issuer, id };
    return rehearse({ ...by, envelope: sealEnvelope({ kind: 'action.proposed', body, head, seed: TEST_PLATFORM_SEED, lane: 0 }) });
  } catch (error) {
    const isSize = error instanceof RangeError || (error instanceof CanonicalJsonError && error.code === 'DEPTH');
    if (!isSize && !(error instanceof CanonicalJsonError)) throw error;
    return { verdict: 'REFUSED', reasons: [isSize ? 'REFUSED_SIZE' : 'REFUSED_ENCODING'], policies: [], ruleSet: [] };
  }
}

function proposalOf(
  bundle: Bundle,
  { proposal: { actor, connector, contractDigest, evidence, found, ...rest } }: PolicyTest,
  nowMs: number,
): Proposal {
  const { actingFor, ...who } = actor ?? { kind: 'agent' as const, id: 'agent' };
  const bare: Proposal = {
    ...rest,
    actor: actingFor === undefined ? who : { ...who, actingFor },
    ...(connector === undefined ? {} : { connector }),
    ...(contractDigest === undefined ? {} : { contractDigest }),
    birth: HEAD.birth,
    issuer: 'platform',
    id: 'policy-test',
    mode: 'enforce',
  };
  return { ...bare, evidence: (evidence ?? []).map((word) => evidenceFor(word, bundle, bare, nowMs, found)) };
}
