/** Who lives on a ledger, as its entries say: tenants, parties, tokens, bundles, and how far each input topic was decided. */
import { type InputTopic, originOf, type Predicate } from '#domain';

import type { FollowedEntry } from './follow.ts';

export interface TenantOnLedger {
  readonly tenant: string;
  readonly lane: number;
  /** Of its log, and the log's key: those that go on. */
  origin: string;
  vkey: string;
  /** Logs of it that were closed, the oldest first. */
  readonly closed: { readonly origin: string; readonly vkey: string }[];
  /** id → revoked. */
  readonly issuers: Map<string, boolean>;
  readonly tokens: Map<string, { readonly tokenHash: string; readonly revoked: boolean }>;
}

export class LedgerFacts {
  /** Also each lane's `_system.<lane>`. */
  readonly tenants = new Map<string, TenantOnLedger>();
  /** Lane → hex digest of the bundle in force. */
  readonly bundles = new Map<number, string>();
  /** Entries seen. */
  count = 0;
  readonly #decided = new Map<string, bigint>();
  /** `topic/lane/offset` → code and detail. */
  readonly #refusals = new Map<string, string>();

  add({ record, statement: { predicate }, kind, lane }: FollowedEntry): void {
    this.count += 1;
    this.#advance(lane, predicate);
    const { tenant } = record;
    if (kind === 'genesis') this.#open(tenant, lane, predicate.origin, textOf(predicate, 'vkey'));
    const facts = this.tenants.get(tenant);
    if (kind === 'tenant.registered') {
      const registers = textOf(predicate, 'registers');
      this.#open(
        registers,
        lane,
        originOf(String(predicate.origin.split('/t/')[0]), textOf(predicate, 'logId')),
        textOf(predicate, 'vkey'),
      );
    } else if (kind === 'log.rotated') this.#rotate(predicate);
    else if (kind === 'issuer.registered') facts?.issuers.set(textOf(predicate, 'issuer'), false);
    else if (kind === 'issuer.revoked') facts?.issuers.set(textOf(predicate, 'issuer'), true);
    else if (kind === 'token.issued') {
      facts?.tokens.set(textOf(predicate, 'token'), { tokenHash: textOf(predicate, 'tokenHash'), revoked: false });
    } else if (kind === 'token.revoked') {
      const token = textOf(predicate, 'token');
      facts?.tokens.set(token, { tokenHash: facts.tokens.get(token)?.tokenHash ?? '', revoked: true });
    } else if (kind === 'bundle.activated' && tenant.startsWith('_')) this.bundles.set(lane, textOf(predicate, 'activated'));
  }

  /** The next offset of an input topic that has no entry yet. */
  decidedUpTo(topic: InputTopic, lane: number): bigint {
    return this.#decided.get(`${topic}/${lane}`) ?? 0n;
  }

  /** Why the record at this place was refused; undefined when it was not. */
  refusalOf(topic: InputTopic, lane: number, offset: bigint): string | undefined {
    return this.#refusals.get(`${topic}/${lane}/${offset}`);
  }

  #open(tenant: string, lane: number, origin: string, vkey: string): void {
    if (!this.tenants.has(tenant))
      this.tenants.set(tenant, { tenant, lane, origin, vkey, closed: [], issuers: new Map(), tokens: new Map() });
  }

  #rotate(predicate: Predicate): void {
    const facts = this.tenants.get(textOf(predicate, 'rotates'));
    if (!facts) return;
    facts.closed.push({ origin: facts.origin, vkey: facts.vkey });
    facts.origin = originOf(String(predicate.origin.split('/t/')[0]), textOf(predicate, 'logId'));
    facts.vkey = textOf(predicate, 'vkey');
  }

  #advance(lane: number, predicate: Predicate): void {
    const { source } = predicate;
    if (source.kind !== 'record') return;
    this.#decided.set(`${source.topic}/${lane}`, BigInt(source.offset) + 1n);
    // Only controls are asked for, and they are few.
    const code = textOf(predicate, 'code');
    if (source.topic === 'controls' && code !== '') {
      this.#refusals.set(`controls/${lane}/${source.offset}`, `${code} (${textOf(predicate, 'detail')})`);
    }
  }
}

/** A member that is text in the kinds that have it; '' elsewhere. */
export function textOf(predicate: Predicate, member: string): string {
  const value = predicate[member];
  return typeof value === 'string' ? value : '';
}
