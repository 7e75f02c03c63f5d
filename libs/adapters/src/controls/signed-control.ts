/** What every control is made of: a payload, signed by the admin or, for a rotation, by the recovery key; a Kafka record for each lane. */
import { randomBytes } from 'node:crypto';

import { hex, laneOf, type PayloadKind, sealEnvelope, type SignedEnvelope, utf8 } from '#domain';

import { CONTROL_LIFETIME_MS } from '../home/create-ledger.ts';
import type { Home } from '../home/home.ts';
import { codecs } from '../wire/codec.ts';

export interface ControlRecord {
  readonly topic: 'controls';
  /** The partition. */
  readonly lane: number;
  /** utf8(tenant). */
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** Of the payload. */
  readonly id: string;
}

export interface Place {
  readonly tenant: string;
  readonly lane: number;
}
export interface SignedControl {
  readonly envelope: SignedEnvelope;
  readonly id: string;
}
export interface Signing {
  /** Of the payload; absent: drawn. */
  readonly id?: string | undefined;
  /** Seed of the recovery key, when it signs instead of the admin's. */
  readonly recovery?: Uint8Array | undefined;
}

export function ofTenant(home: Home, tenant: string): Place {
  return { tenant, lane: laneOf(tenant, home.config.lanes) };
}

/** Of a tenant, or of a `_system.<lane>`. */
export function placeOf(home: Home, tenant: string): Place {
  const own = /^_system\.(\d+)$/.exec(tenant)?.[1];
  return own === undefined ? ofTenant(home, tenant) : { tenant, lane: Number(own) };
}

export function control(home: Home, kind: PayloadKind, place: Place, body: object): ControlRecord {
  const { envelope, id } = seal(home, kind, place, body);
  return recordOf(envelope, id);
}

export const drawId = (what: string): string => `${what}-${hex(randomBytes(8))}`;

export function seal(home: Home, kind: PayloadKind, { tenant, lane }: Place, body: object, signing: Signing = {}): SignedControl {
  const { id = drawId(kind), recovery } = signing;
  const issuedAtMs = Date.now();
  const head = {
    ...home.bound(),
    tenant,
    issuer: recovery ? 'recovery' : 'admin',
    id,
    issuedAtMs,
    expiresAtMs: issuedAtMs + CONTROL_LIFETIME_MS,
    blind: randomBytes(32),
  };
  return { envelope: sealEnvelope({ kind, body, head, seed: recovery ?? home.key('admin'), lane }), id };
}

export function onEveryLane(home: Home, { envelope, id }: SignedControl): ControlRecord[] {
  return Array.from({ length: home.config.lanes }, (_, lane) => recordOf({ ...envelope, lane }, id));
}

function recordOf(envelope: SignedEnvelope, id: string): ControlRecord {
  return { topic: 'controls', lane: envelope.lane, key: utf8(envelope.tenant), value: codecs.signedEnvelope.encode(envelope), id };
}
