import { sha256Hex } from '#crypto';
import type { VerdictRecord } from '#adapters';
import {
  type EntryKind,
  fromUtf8,
  type Json,
  NESTING_MAX,
  type NextAfterNo,
  nextOf,
  parseCanonical,
  parseTrust,
  type Permit,
  permitOf,
  type Predicate,
  type Statement,
  type Trust,
  VERDICT_OF,
} from '#domain';

import { ReceiptVerifier } from './receipt-verifier.ts';

export interface VerifiedVerdict {
  readonly tenant: string;
  readonly kind: EntryKind;
  readonly actionId: string;
  /** ALLOW, DENY, ESCALATE or WOULD_…; how an escalation ended; `claim-granted` and its like; '' for a repetition, which decides nothing. */
  readonly verdict: string;
  readonly reasons: readonly string[];
  /** What the asker should do after a no: docs/reasons.md. null when it is none. */
  readonly next: NextAfterNo | null;
  /** Who may claim, from when and until when, and what is owed; on an enforced ALLOW and an ALLOW_APPROVED only. */
  readonly permit: Permit | null;
  /** What the receipt proves; everything above comes from it. */
  readonly statement: Statement;
  /** The `.tlog-proof` text. */
  readonly receipt: string;
  /** The proposal whose digest the entry names; null when it was erased, or the entry is not about one record. */
  readonly proposal: Readonly<Record<string, Json>> | null;
}
export interface Mismatch {
  readonly code: 'UNREADABLE' | 'ORIGIN' | 'RECEIPT' | 'KIND' | 'COPIES' | 'PROPOSAL';
  readonly detail: string;
}
export interface Rejection extends Mismatch {
  readonly lane: number;
  readonly offset: bigint;
}
export interface OpenTrust {
  readonly byTenant: ReadonlyMap<string, Trust>;
  readonly verifier: ReceiptVerifier;
}

/** Throws TrustError. */
export const openTrust = (trust: Readonly<Record<string, string>>): OpenTrust => ({
  byTenant: new Map(Object.entries(trust).map(([tenant, text]) => [tenant, parseTrust(text)])),
  verifier: new ReceiptVerifier(),
});

/** undefined for another tenant's. What the record says beside its receipt counts for nothing, but has to agree with it. */
export function verifyVerdict(record: VerdictRecord, { byTenant, verifier }: OpenTrust): VerifiedVerdict | Mismatch | undefined {
  const trust = byTenant.get(record.tenant);
  if (!trust) return undefined;
  if (record.origin !== trust.log.name) return { code: 'ORIGIN', detail: `expected ${trust.log.name}` };
  let proved;
  let receipt: string;
  try {
    proved = verifier.verify(record.receipt, { origin: trust.log.name, verifier: trust.log, trust });
    receipt = fromUtf8(record.receipt);
  } catch (error) {
    return { code: 'RECEIPT', detail: error instanceof Error ? error.message : String(error) };
  }
  const { statement, kind } = proved;
  const said = whatItSays(kind, statement.predicate);
  if (!said) return { code: 'KIND', detail: `${kind} is no verdict` };
  const name = statement.subject[0].name;
  const actionId = name === kind ? '' : name;
  const agrees =
    record.kind === kind &&
    String(record.leafIndex) === statement.predicate.index &&
    record.actionId === actionId &&
    record.verdict === said.verdict &&
    sameTexts(record.reasons, said.reasons);
  if (!agrees) return { code: 'COPIES', detail: 'the record says something else than its receipt' };
  const proposal = proposalOf(record, kind, statement);
  if (proposal === undefined) return { code: 'PROPOSAL', detail: 'the proposal is not the one that was decided' };
  const next = nextOf({ kind, statement }) ?? null;
  return {
    tenant: record.tenant,
    kind,
    actionId,
    ...said,
    next,
    permit: permitOf(statement.predicate) ?? null,
    statement,
    receipt,
    proposal,
  };
}

function whatItSays(kind: EntryKind, predicate: Predicate): { verdict: string; reasons: readonly string[] } | undefined {
  const text = (member: string): string => {
    const value = predicate[member];
    return typeof value === 'string' ? value : '';
  };
  if (kind === 'action.decided') return { verdict: text('verdict'), reasons: textsOf(predicate['reasons']) };
  if (kind === 'action.repeated') return { verdict: '', reasons: [] };
  const answer = VERDICT_OF[kind];
  if (answer !== undefined) return { verdict: answer, reasons: textsOf(predicate['reasons']) };
  return kind === 'escalation.settled' ? { verdict: text('outcome'), reasons: [] } : undefined;
}

/** undefined: not the bytes that the entry names, or not this tenant's. */
function proposalOf({ proposal, tenant }: VerdictRecord, kind: EntryKind, statement: Statement): Record<string, Json> | null | undefined {
  if (proposal === null || (kind !== 'action.decided' && kind !== 'action.repeated')) return null; // others are not made from a proposal
  if (sha256Hex(proposal) !== statement.subject[0].digest.sha256) return undefined;
  const json = jsonOf(proposal);
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
  return json['tenant'] === tenant ? json : undefined;
}

/** No decider decides on anything else; one that did must not stop whoever follows. */
function jsonOf(proposal: Uint8Array): Json | undefined {
  try {
    return parseCanonical(proposal, { maxDepth: NESTING_MAX });
  } catch {
    return undefined;
  }
}

const textsOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
const sameTexts = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((text, at) => text === b[at]);
