/** Who asks, as entries name it: the actor, and the credential that says so. */
import { isIdentifier } from '../formats/ids.ts';
import { type ActorRule, ANY } from '../payloads/actors.ts';
import type { TokenRole } from '../payloads/kinds.ts';

/** A bearer token of one tenant, as the ledger issued it. */
export interface Token {
  readonly id: string;
  readonly roles: readonly TokenRole[];
  /** What it may propose for; undefined: nothing. */
  readonly actors: readonly ActorRule[] | undefined;
  /** It ends at this moment, POSIX milliseconds of lane time; one that was revoked is known until then. */
  validUntilMs: number;
  revoked: boolean;
}

export interface Sender {
  readonly issuer: string;
  /** Whose key signed it; absent: of whichever. */
  readonly keyid?: string;
  /** Of what came through the gateway. */
  readonly token?: string;
}

export interface EntryActor {
  readonly kind: string;
  readonly id: string;
  /** `*`: its credential may say any id of this kind. Absent: its list has this one. */
  readonly listedAs?: string;
}

/** Of a payload or a predicate. Only the gateway speaks for a token. */
export function senderOf(issuer: string, token: unknown): Sender {
  return issuer === 'gateway' && typeof token === 'string' && isIdentifier(token) ? { issuer, token } : { issuer };
}

/**
 * Whose questions count together: those of one actor, whoever speaks for it. All that one credential says under a `*` are one actor's, or
 * another id would be another limit.
 */
export function askerKey({ kind, id, listedAs }: EntryActor, { issuer, token = '' }: Sender): string {
  return listedAs === undefined ? `${kind}:${id}` : `${kind}:${ANY} ${issuer} ${token}`;
}
