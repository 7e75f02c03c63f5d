import type { Json } from '../formats/canonical-json.ts';
import type { Count } from './limit.ts';
import type { PolicyTables, Revert } from './tables.ts';

/** The executable part of a signed proposal, after its body was checked (see payloads/proposal.ts for the zod schema). */
export interface Proposal {
  readonly tenant: string;
  /** Digest of the ledger's birth; absent only under rules 1. */
  readonly birth?: string;
  readonly issuer: string;
  readonly id: string;
  readonly actor: { readonly kind: 'agent' | 'person' | 'pipeline'; readonly id: string; readonly actingFor?: string };
  readonly class: string;
  readonly connector?: string;
  readonly contractDigest?: string;
  readonly operation: string;
  readonly parameters: Readonly<Record<string, Json>>;
  readonly resource: { readonly type: string; readonly id: string };
  readonly evidence?: readonly Evidence[];
  readonly mode: 'enforce' | 'shadow';
}

/** A DSSE-signed statement by a registered party that is neither proposer nor executor. */
export interface Evidence {
  readonly type: string;
  readonly payloadType: string;
  /** base64 of JSON. */
  readonly payload: string;
  readonly keyid: string;
  /** base64 Ed25519 over PAE(payloadType, payload). */
  readonly signature: string;
}

/** A statement that counted: what the entry says of it. */
export interface Shown {
  readonly type: string;
  readonly issuer: string;
  readonly keyid: string;
  /** Hex SHA-256 of its payload. */
  readonly digest: string;
  /** It counts no longer from then on, by its own expiry and by the class's age. */
  readonly untilMs: number;
  /** No bundle would count it from then on. */
  readonly usableUntilMs: number;
}

/** What had to be true, and must be true again when a permit is given and when it is claimed. */
export interface Conditions {
  /** Each once. */
  readonly evidence: readonly Shown[];
  /** Of each list one window must be open. */
  readonly windows: readonly (readonly string[])[];
}

export type Verdict = 'ALLOW' | 'DENY' | 'ESCALATE';

/** What policy says of one proposal: `decide` turns it into an entry. */
export interface Judgement {
  readonly verdict: Verdict;
  /** Closed list (docs/reasons.md), at least one. */
  readonly reasons: readonly string[];
  /** Ids of the Cedar policies that determined it, sorted. */
  readonly policies: readonly string[];
  /** Approval rules named by the permits, sorted by id; empty unless ESCALATE. */
  readonly rules: readonly ApprovalRule[];
  /** Digest of the contract used; null when none was. */
  readonly contractDigest: string | null;
  /** Who may claim the permit; empty unless ALLOW. */
  readonly executors: readonly string[];
  /** Proof owed afterwards, as the class says: 'healthcheck', 'state-hash'. */
  readonly obligations: readonly string[];
  /** How long a claimed effect may go without a result; null: the default. */
  readonly resultWithinSeconds: number | null;
  /** The operation that was approved as the way back, where the class requires one; null otherwise. */
  readonly rollback: string | null;
  /** What undoes the effect, as the contract says, where the class asks for anything after it; null otherwise. */
  readonly revert: Revert | null;
  /** The incident that a registered desk vouches for, about this very target. It may have opened a window; it allows nothing. */
  readonly incident?: string;
  /** What it rests on; absent under format 1, and of a denial. */
  readonly conditions?: Conditions;
  /** What it adds to cumulative limits, once it is allowed or asked of people. */
  readonly counts?: readonly Count[];
  /** Cumulative limits that it would go over, by id; absent: none. */
  readonly exceeded?: readonly string[];
  /** How long an ALLOW may be claimed, from the decision. */
  readonly executeWithinMs: number;
  /** How long an ESCALATE waits for people: the shortest of the rules'. */
  readonly approveWithinMs: number;
}

export interface ApprovalRule {
  readonly id: string;
  readonly [member: string]: Json;
}

/** A bundle in force: its canonical document and the SHA-256 of that. */
export interface Bundle {
  /** Hex SHA-256 of the canonical bytes. */
  readonly digest: string;
  readonly document: BundleDocument;
  /** The document, read: made by parseBundle only. */
  readonly tables: PolicyTables;
  /** Hex SHA-256 of each contract's canonical form, by connector. */
  readonly contractDigests: ReadonlyMap<string, string>;
}
/** Shape: policy/tables.ts. */
export interface BundleDocument {
  /** 1: of ledgers that were born under rules 1. */
  readonly format: 1 | 2;
  readonly name: string;
  readonly [member: string]: Json;
}

export interface EngineRequest {
  readonly principal: { readonly type: string; readonly id: string };
  readonly action: string;
  readonly resource: { readonly type: string; readonly id: string };
  readonly context: Readonly<Record<string, Json>>;
  /** Only principal, resource and their ancestors. */
  readonly entities: readonly Json[];
}
export interface EngineAnswer {
  readonly decision: 'allow' | 'deny';
  /** Ids of the determining policies, sorted. */
  readonly reasons: readonly string[];
  /** Any error makes the verdict DENY_EVALUATION_ERROR. */
  readonly errors: readonly string[];
}

/** What a permit says of itself: people must approve, or why none need to. */
export type PermitGuard = { readonly approval: string } | { readonly unattended: string };

/** What an engine answers for a bundle that had to be decided before anybody had judged it. */
export const NOT_JUDGED = 'not judged before it was decided';

/**
 * Evaluates bundles. Synchronous and deterministic; may throw, and is then fresh for the next call: the caller tries once more,
 * then denies. Keeps a bounded number of compiled bundles, by digest.
 */
export interface PolicyEngine {
  /** `<name>@<version>`, cited by every entry. */
  readonly name: string;
  /** Named reasons why the bundle cannot be activated; empty when it can. */
  refusals(bundle: Bundle): readonly string[];
  /** The guard of every permit, by policy id. A permit that is not in it cannot allow. */
  guards(bundle: Bundle): ReadonlyMap<string, PermitGuard>;
  authorize(bundle: Bundle, request: EngineRequest): EngineAnswer;
  /** Whether parameters fit the JSON Schema of this contract's operation. */
  parametersValid(bundle: Bundle, contractId: string, operation: string, parameters: Json): boolean;
}
