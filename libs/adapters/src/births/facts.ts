/** Who lives on a ledger, as its entries say: tenants, parties, tokens, bundles, and how far each input topic was decided. */
import { type InputTopic, type KeyRole, originOf, type Predicate, type Source } from '#domain';

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

/** undefined: the ledger was born without. */
export type LaneKeys = Partial<Record<KeyRole, string | undefined>>;

export class LedgerFacts {
  /** Also each lane's `_system.<lane>`. */
  readonly tenants = new Map<string, TenantOnLedger>();
  /** Lane → hex digest of the bundle in force. */
  readonly bundles = new Map<number, string>();
  /** By lane: keyids of the ledger's own roles. */
  readonly #keys = new Map<number, LaneKeys>();
  /** Entries seen. */
  count = 0;
  readonly #decided = new Map<string, bigint>();
  /** `lane/offset` → what became of that record of `controls`: they are asked for, and they are few. */
  readonly #controls = new Map<string, ControlAnswer>();

  add({ record, statement: { predicate, subject }, kind, lane, source }: FollowedEntry): void {
    this.count += 1;
    this.#advance(lane, source, { predicate, digest: subject[0].digest.sha256 });
    const { tenant } = record;
    this.#noteKeys(lane, kind, predicate, tenant);
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

  /**
   * What became of a control. `other`: another record was decided at its place, because the topic was made anew or lost its tail.
   * A control is known by the digest of its payload as well as by its place; one without a digest by its place alone.
   */
  controlAnswer(lane: number, offset: bigint, digest: string | undefined): 'open' | 'entered' | 'other' | { readonly refused: string } {
    if (this.decidedUpTo('controls', lane) <= offset) return 'open';
    const answer = this.#controls.get(`${lane}/${offset}`);
    if (!answer || (digest !== undefined && answer.digest !== undefined && answer.digest !== digest)) return 'other';
    return answer.refused === undefined ? 'entered' : { refused: answer.refused };
  }

  #open(tenant: string, lane: number, origin: string, vkey: string): void {
    if (!this.tenants.has(tenant))
      this.tenants.set(tenant, { tenant, lane, origin, vkey, closed: [], issuers: new Map(), tokens: new Map() });
  }

  /** Those that the lane admits now. */
  keysOf(lane: number): LaneKeys {
    return this.#keys.get(lane) ?? {};
  }

  #noteKeys(lane: number, kind: string, predicate: Predicate, tenant: string): void {
    if (!tenant.startsWith('_')) return; // a tenant's tree says the same to its owner
    const keyidOf = (member: unknown): string | undefined => (member as { readonly keyid?: string } | undefined)?.keyid;
    const known = this.keysOf(lane);
    if (kind === 'genesis' && predicate['adminKey'] !== undefined) {
      const [decider] = predicate['deciderKeys'] as unknown as readonly unknown[];
      const { adminKey, gatewayKey, recoveryKey } = predicate;
      const roles = { admin: keyidOf(adminKey), gateway: keyidOf(gatewayKey), recovery: keyidOf(recoveryKey), decider: keyidOf(decider) };
      this.#keys.set(lane, roles);
    } else if (kind === 'key.rotated') this.#keys.set(lane, { ...known, [textOf(predicate, 'role')]: keyidOf(predicate['key']) });
  }

  #rotate(predicate: Predicate): void {
    const facts = this.tenants.get(textOf(predicate, 'rotates'));
    if (!facts) return;
    facts.closed.push({ origin: facts.origin, vkey: facts.vkey });
    facts.origin = originOf(String(predicate.origin.split('/t/')[0]), textOf(predicate, 'logId'));
    facts.vkey = textOf(predicate, 'vkey');
  }

  #advance(lane: number, source: Source, { predicate, digest }: { predicate: Predicate; digest: string }): void {
    if (source.kind !== 'record') return;
    this.#decided.set(`${source.topic}/${lane}`, BigInt(source.offset) + 1n);
    if (source.topic !== 'controls' || source.part > 0) return;
    const code = textOf(predicate, 'code');
    const isRaw = typeof predicate['bytesMac'] === 'string'; // its digest is no payload's
    this.#controls.set(`${lane}/${source.offset}`, {
      digest: isRaw ? undefined : digest,
      refused: code === '' ? undefined : `${code} (${textOf(predicate, 'detail')})`,
    });
  }
}

interface ControlAnswer {
  /** Hex SHA-256 of the payload; undefined for bytes that were refused without trust. */
  readonly digest: string | undefined;
  readonly refused: string | undefined;
}

/** A member that is text in the kinds that have it; '' elsewhere. */
export function textOf(predicate: Predicate, member: string): string {
  const value = predicate[member];
  return typeof value === 'string' ? value : '';
}
