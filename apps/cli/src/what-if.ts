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

/** One key of a party, from its entry to its end. */
interface PartyKey {
  readonly issuer: string;
  readonly type: string;
  readonly keyid: string;
  readonly publicKey: Uint8Array;
  readonly since: number;
  until: number;
}

/** Takes entries in the order of their lanes; keeps the last `max` decisions of policy, by their time. */
export class DecisionReader {
  #kept: FollowedEntry[] = [];
  readonly #keys = new Map<string, PartyKey[]>();

  constructor(private readonly max: number) {}

  add(entry: FollowedEntry): void {
    const { kind, statement } = entry;
    const { predicate } = statement;
    this.#noteKeys(entry);
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
    const counted = (this.#keys.get(record.tenant) ?? []).filter(
      ({ since, until }) => since < record.leafIndex && record.leafIndex < until,
    );
    return (keyid) => counted.find((key) => key.keyid === keyid && key.issuer !== proposer);
  }

  #noteKeys({ record, kind, statement: { predicate } }: FollowedEntry): void {
    const keys = this.#keys.get(record.tenant) ?? [];
    this.#keys.set(record.tenant, keys);
    const issuer = textOf(predicate, 'issuer');
    const since = record.leafIndex;
    const take = (type: string, named: readonly NamedKey[]): void => {
      for (const { keyid, publicKey } of named) {
        keys.push({ issuer, type, keyid, publicKey: fromBase64(publicKey), since, until: Infinity });
      }
    };
    const end = (isMeant: (key: PartyKey) => boolean): void => {
      for (const key of keys) if (key.issuer === issuer && isMeant(key)) key.until = Math.min(key.until, since);
    };
    if (kind === 'issuer.registered') take(textOf(predicate, 'type'), predicate['keys'] as unknown as NamedKey[]);
    else if (kind === 'key.added') {
      const type = keys.find((key) => key.issuer === issuer)?.type ?? '';
      take(type, [predicate['key'] as unknown as NamedKey]);
    } else if (kind === 'issuer.revoked') end(() => true);
    else if (kind === 'key.revoked') end(({ keyid }) => keyid === predicate['revokes']);
  }

  #trim(): void {
    this.#kept.sort((a, b) => parseTime(a.statement.predicate.decidedAt) - parseTime(b.statement.predicate.decidedAt));
    this.#kept = this.#kept.slice(-this.max);
  }
}

interface NamedKey {
  readonly keyid: string;
  readonly publicKey: string;
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
