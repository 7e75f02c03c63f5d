/** The keys of a tenant's parties: registered with the party, added one by one, revoked one by one. */
import { fromBase64 } from '../formats/bytes.ts';
import { checkPublicKey, keyIdOf } from '../formats/keys.ts';
import type { Predicate } from '../ledger/entry.ts';
import { text } from '../ledger/text.ts';
import { ISSUER_KEYS_MAX } from '../payloads/fields.ts';
import type { Issuer, LaneState, TenantFacts } from './state.ts';

/** Keys that one party ever had. Each stays known after it was revoked, so that it never counts again: a party with more is a new party. */
export const ISSUER_KEYS_EVER_MAX = 256;

interface PublicKey {
  readonly keyid: string;
  readonly publicKey: string;
}
interface Change {
  readonly kind: 'key.added' | 'key.revoked';
  readonly members: Readonly<Record<string, unknown>>;
}

/** Of `key.added`: one more key for a party, beside those that it has. */
export function addKey(state: LaneState, facts: TenantFacts, holder: string, key: PublicKey): Change | string {
  const issuer = liveIssuer(facts, holder);
  if (!issuer) return 'unknown-issuer';
  const fault = keyFault(state, facts, key);
  if (fault !== undefined) return fault;
  if (issuer.keys.size >= ISSUER_KEYS_MAX) return 'limit';
  if (issuer.keys.size + issuer.revokedKeys.size >= ISSUER_KEYS_EVER_MAX) return 'limit';
  return { kind: 'key.added', members: { issuer: holder, key } };
}

/** Of `key.revoked`: this key admits nothing from the entry on. The party's other keys go on; without any it waits for a `key.added`. */
export function revokeKey(facts: TenantFacts, holder: string, keyid: string): Change | string {
  const issuer = liveIssuer(facts, holder);
  if (!issuer) return 'unknown-issuer';
  return issuer.keys.has(keyid) ? { kind: 'key.revoked', members: { issuer: holder, revokes: keyid } } : 'unknown-key';
}

/** Why a key cannot become a party's, in one word. One key, one party: else the proposer could vouch for itself as another. */
export function keyFault(state: LaneState, { issuers }: TenantFacts, { keyid, publicKey }: PublicKey): string | undefined {
  try {
    const bytes = fromBase64(publicKey);
    checkPublicKey(bytes);
    if (keyIdOf(bytes) !== keyid) return 'keyid';
  } catch {
    return 'bad-key';
  }
  if (state.ledgerKeys.has(keyid)) return 'key-in-use';
  return [...issuers.values()].some(({ keys, revokedKeys }) => keys.has(keyid) || revokedKeys.has(keyid)) ? 'key-in-use' : undefined;
}

/** What the entry changes. */
export function evolveKeys(facts: TenantFacts, kind: 'key.added' | 'key.revoked', predicate: Predicate): void {
  const issuer = facts.issuers.get(text(predicate['issuer']));
  if (!issuer) return;
  if (kind === 'key.added') {
    const { keyid, publicKey } = predicate['key'] as unknown as PublicKey;
    issuer.keys.set(keyid, fromBase64(publicKey));
    return;
  }
  const keyid = text(predicate['revokes']);
  issuer.keys.delete(keyid);
  issuer.revokedKeys.add(keyid);
}

/**
 * Whether a signature that was good when it came may still bring something about now: its party was not revoked since, nor the key that
 * made it. `keyid` undefined: of a decision under rules 1, where a party's keys end with the party.
 */
export function isStillAdmitted({ issuers }: Pick<TenantFacts, 'issuers'>, issuer: string, keyid: string | undefined): boolean {
  const party = issuers.get(issuer);
  return party === undefined || !(party.revoked || (keyid !== undefined && party.revokedKeys.has(keyid)));
}

function liveIssuer({ issuers }: TenantFacts, id: string): Issuer | undefined {
  const issuer = issuers.get(id);
  return issuer?.revoked === false ? issuer : undefined;
}
