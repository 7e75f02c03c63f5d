/** How decisions of the ledger would be made under another bundle: the same proposals, the same parties, the same moments. */
import { type FollowedEntry, openInput, textOf, wire } from '#adapters';
import {
  type Bundle,
  fromBase64,
  parseTime,
  type PolicyEngine,
  rehearse,
  type Rehearsed,
  type RehearsalParty,
  type Rules,
  type SignedEnvelope,
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
interface PartyKey extends RehearsalParty {
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
  partiesAt({ record }: FollowedEntry): readonly RehearsalParty[] {
    return (this.#keys.get(record.tenant) ?? []).filter(({ since, until }) => since < record.leafIndex && record.leafIndex < until);
  }

  #noteKeys({ record, kind, statement: { predicate } }: FollowedEntry): void {
    const keys = this.#keys.get(record.tenant) ?? [];
    this.#keys.set(record.tenant, keys);
    const issuer = textOf(predicate, 'issuer');
    const since = record.leafIndex;
    const take = (type: RehearsalParty['type'], named: readonly NamedKey[]): void => {
      for (const { keyid, publicKey } of named) {
        keys.push({ issuer, type, keyid, publicKey: fromBase64(publicKey), since, until: Infinity });
      }
    };
    const end = (isMeant: (key: PartyKey) => boolean): void => {
      for (const key of keys) if (key.issuer === issuer && isMeant(key)) key.until = Math.min(key.until, since);
    };
    if (kind === 'issuer.registered') take(textOf(predicate, 'type') as RehearsalParty['type'], predicate['keys'] as unknown as NamedKey[]);
    else if (kind === 'key.added') {
      const type = keys.find((key) => key.issuer === issuer)?.type ?? 'platform';
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
  const envelope = inputKey && proposalIn(entry, inputKey);
  if (!envelope) return undefined;
  const { predicate, subject } = entry.statement;
  const { rules } = predicate as { readonly rules: Rules };
  const question = { envelope, nowMs: parseTime(predicate.decidedAt), rules, engine, parties: reader.partiesAt(entry) };
  return {
    ...{ tenant: entry.record.tenant, index: predicate.index, action: subject[0].name, decidedAt: predicate.decidedAt },
    ledger: [String(predicate.verdict).replace('WOULD_', ''), ...(predicate['reasons'] as string[])].join(' '),
    before: said(rehearse({ ...question, bundle: before })),
    after: said(rehearse({ ...question, bundle: after })),
  };
}

const said = ({ verdict, reasons, ruleSet }: Rehearsed): string => [verdict, ...reasons, ...ruleSet].join(' ');

function proposalIn({ record }: FollowedEntry, inputKey: Uint8Array): SignedEnvelope | undefined {
  try {
    return wire.decodeEnvelope(openInput(record.input, inputKey));
  } catch {
    return undefined;
  }
}
