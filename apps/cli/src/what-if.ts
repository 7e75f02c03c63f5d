/** How decisions of the ledger would be made under another bundle: the same proposals, the same parties, the same moments. */
import { type FollowedEntry, openInput, textOf, wire } from '#adapters';
import {
  type Bundle,
  type EvidenceKeyOf,
  fromBase64,
  judge,
  type Judgement,
  NESTING_MAX,
  parseCanonical,
  parsePayload,
  type Rules,
  parseTime,
  type PolicyEngine,
  type Predicate,
  type Proposal,
} from '#domain';

/** What policy says; the rest (identity, limits, freezes) comes before it and is the same under every bundle. */
const BY_POLICY =
  /^(ALLOW_POLICY|ESCALATE_(APPROVAL_REQUIRED|CUMULATIVE)|DENY_(POLICY|NO_MATCH|UNKNOWN_CLASS|TENANT_SCOPE|CONTRACT|ENVELOPE|WINDOW|MISSING_EVIDENCE|EVALUATION_ERROR))$/;

export interface WhatIf {
  readonly tenant: string;
  readonly index: string;
  readonly action: string;
  readonly decidedAt: string;
  /** Verdict and reason: on the ledger, and under the two bundles. */
  readonly ledger: string;
  readonly before: string;
  readonly after: string;
}

interface Party {
  readonly issuer: string;
  readonly type: string;
  readonly keys: ReadonlyMap<string, Uint8Array>;
  readonly since: number;
  until: number;
}

/** Takes entries in the order of their lanes; keeps the last `max` decisions of policy, by their time. */
export class DecisionReader {
  #kept: FollowedEntry[] = [];
  readonly #parties = new Map<string, Party[]>();

  constructor(private readonly max: number) {}

  add(entry: FollowedEntry): void {
    const { record, kind, statement } = entry;
    const { predicate } = statement;
    if (kind === 'issuer.registered' || kind === 'issuer.revoked') {
      const parties = this.#parties.get(record.tenant) ?? [];
      this.#parties.set(record.tenant, parties);
      const issuer = textOf(predicate, 'issuer');
      if (kind === 'issuer.registered') parties.push(partyOf(issuer, predicate, record.leafIndex));
      else for (const party of parties) if (party.issuer === issuer) party.until = Math.min(party.until, record.leafIndex);
    }
    if (kind !== 'action.decided' || !BY_POLICY.test(String((predicate['reasons'] as string[] | undefined)?.[0]))) return;
    this.#kept.push(entry);
    if (this.#kept.length >= 2 * this.max) this.#trim();
  }

  /** The last ones. */
  get decisions(): readonly FollowedEntry[] {
    this.#trim();
    return this.#kept;
  }

  /** Keys that counted when the entry was decided. */
  evidenceKeyAt({ record }: FollowedEntry, proposer: string): EvidenceKeyOf {
    const counted = (this.#parties.get(record.tenant) ?? []).filter(
      ({ since, until }) => since < record.leafIndex && record.leafIndex < until,
    );
    return (keyid) => {
      const party = counted.find(({ keys, issuer }) => keys.has(keyid) && issuer !== proposer);
      const publicKey = party?.keys.get(keyid);
      return party && publicKey && { issuer: party.issuer, type: party.type, publicKey };
    };
  }

  #trim(): void {
    this.#kept.sort((a, b) => parseTime(a.statement.predicate.decidedAt) - parseTime(b.statement.predicate.decidedAt));
    this.#kept = this.#kept.slice(-this.max);
  }
}

function partyOf(issuer: string, predicate: Predicate, since: number): Party {
  const keys = predicate['keys'] as unknown as { keyid: string; publicKey: string }[];
  const byId = new Map(keys.map(({ keyid, publicKey }) => [keyid, fromBase64(publicKey)]));
  return { issuer, type: textOf(predicate, 'type'), keys: byId, since, until: Infinity };
}

/** undefined when the proposal is gone: erased, or its key has expired. */
export function whatIf(
  entry: FollowedEntry,
  inputKey: Uint8Array | undefined,
  reader: DecisionReader,
  { before, after, engine }: { readonly before: Bundle; readonly after: Bundle; readonly engine: PolicyEngine },
): WhatIf | undefined {
  const proposal = inputKey && proposalIn(entry, inputKey);
  if (!proposal) return undefined;
  const { predicate, subject } = entry.statement;
  const question = { proposal, nowMs: parseTime(predicate.decidedAt), engine, evidenceKey: reader.evidenceKeyAt(entry, proposal.issuer) };
  return {
    ...{ tenant: entry.record.tenant, index: predicate.index, action: subject[0].name, decidedAt: predicate.decidedAt },
    ledger: [String(predicate.verdict).replace('WOULD_', ''), ...(predicate['reasons'] as string[])].join(' '),
    before: said(judge({ ...question, bundle: before })),
    after: said(judge({ ...question, bundle: after })),
  };
}

const said = ({ verdict, reasons, rules }: Judgement): string => [verdict, ...reasons, ...rules.map(({ id }) => id)].join(' ');

function proposalIn({ record, statement }: FollowedEntry, inputKey: Uint8Array): Proposal | undefined {
  try {
    const envelope = wire.decodeEnvelope(openInput(record.input, inputKey));
    const rules = statement.predicate.rules as Rules;
    const parsed = envelope && parsePayload('action.proposed', parseCanonical(envelope.payload, { maxDepth: NESTING_MAX }), rules);
    return parsed?.ok === true ? (parsed.value as unknown as Proposal) : undefined;
  } catch {
    return undefined;
  }
}
