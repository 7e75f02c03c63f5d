import { createHash } from 'node:crypto';

import type { FastifyRequest } from 'fastify';
import { describe, expect, it, vi } from 'vitest';

import { ed25519PublicKey } from '#crypto';
import { formatVkey } from '#domain';

import { LedgerIndex } from '../index/ledger-index.ts';
import { STALE_MAX_MS } from '../kafka/freshness.ts';
import { Gate } from './gate.ts';
import { RateLimits, ratesOf } from './rates.ts';

const bearer = 'cs_secret';
const index = new LedgerIndex({ ledger: 'test.example', systemLogs: [], gateway: { keyid: '', publicKey: new Uint8Array(32) } });
const origin = 'test.example/t/log1';
index.logs.register({ tenant: 'acme', origin, lane: 1, vkey: formatVkey(origin, ed25519PublicKey(new Uint8Array(32).fill(9))) });
const tokenHash = createHash('sha256').update(bearer).digest('hex');
index.tokens.issue({
  tenant: 'acme',
  token: 't',
  tokenHash,
  roles: ['propose', 'read'],
  says: { rules: 2, actors: undefined },
  validUntilMs: 1000,
});

const request = (method: string, token = bearer): FastifyRequest =>
  ({ method, headers: { authorization: `Bearer ${token}` } }) as unknown as FastifyRequest;
const unlimited = { take: () => undefined };
const gate = (
  {
    isCaughtUp = true,
    hasCaughtUp = isCaughtUp,
    isBrokerAway = false,
    halt,
    silentMs = 0,
    staleMs = silentMs,
  }: { isCaughtUp?: boolean; hasCaughtUp?: boolean; isBrokerAway?: boolean; halt?: string; silentMs?: number; staleMs?: number } = {},
  nowMs = 0,
  rates: Pick<RateLimits, 'take'> = unlimited,
): Gate =>
  new Gate(
    index,
    {
      isCaughtUp,
      hasCaughtUp: (lane) => lane === 1 && hasCaughtUp,
      isBrokerAway,
      haltOf: () => halt,
      silentMs: () => silentMs,
      staleMs: () => staleMs,
    },
    rates,
    () => nowMs,
  );
const refusal = (of: Gate, what: FastifyRequest): unknown => {
  try {
    of.admit(what);
    return undefined;
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
};

describe('the gate', () => {
  it.each([
    ['facts that are not complete', { isCaughtUp: false }, 'NOT_READY', 'NOT_READY'],
    ['no broker at start', { isCaughtUp: false, isBrokerAway: true }, 'BROKER_UNAVAILABLE', 'BROKER_UNAVAILABLE'],
    ['facts of another lane that are not complete', { isCaughtUp: false, hasCaughtUp: true }, undefined, undefined],
    ['facts of its lane that are not complete', { hasCaughtUp: false }, 'NOT_READY', 'NOT_READY'],
    ['a lane halted before all was read', { hasCaughtUp: false, halt: 'TAIL_LOST', silentMs: 60_000 }, 'LANE_HALTED', 'LANE_HALTED'],
    ['a broker that went away', { isBrokerAway: true }, 'BROKER_UNAVAILABLE', undefined],
    ['a halted lane', { halt: 'broken' }, 'LANE_HALTED', undefined],
    ['a broker heard of just in time', { isBrokerAway: true, silentMs: STALE_MAX_MS }, 'BROKER_UNAVAILABLE', undefined],
    ['a broker away for too long', { isBrokerAway: true, silentMs: STALE_MAX_MS + 1 }, 'BROKER_UNAVAILABLE', 'BROKER_UNAVAILABLE'],
    ['a broker that hangs', { silentMs: STALE_MAX_MS + 1 }, 'BROKER_UNAVAILABLE', 'BROKER_UNAVAILABLE'],
    ['a lane halted for too long', { halt: 'broken', silentMs: STALE_MAX_MS + 1 }, 'LANE_HALTED', 'LANE_HALTED'],
    ['a broker that answers, and a million records that wait', { staleMs: STALE_MAX_MS + 1 }, 'LAGGING', 'LAGGING'],
    ['an end that was reached just in time', { staleMs: STALE_MAX_MS }, undefined, undefined],
    ['everything in order', {}, undefined, undefined],
  ] as const)('with %s', (_, follower, write, read) => {
    expect([refusal(gate(follower), request('POST')), refusal(gate(follower), request('GET'))]).toEqual([write, read]);
  });

  it('limits how often a tenant asks, after it knows who asks', () => {
    const of = gate({}, 0, new RateLimits(ratesOf(2), () => 0));
    expect([refusal(of, request('POST')), refusal(of, request('POST')), refusal(of, request('POST', 'cs_other'))]).toEqual([
      undefined,
      'RATE_LIMITED',
      'TOKEN_UNKNOWN',
    ]);
    expect(refusal(of, request('GET'))).toBeUndefined();
  });

  it('names the code of the lane that is halted', () => {
    expect(() => {
      gate({ halt: 'TAIL_LOST' }).admit(request('POST'));
    }).toThrow('(TAIL_LOST)');
  });

  it('calls no token unknown while a lane is still being read', () => {
    expect(refusal(gate({ isCaughtUp: false, hasCaughtUp: true }), request('GET', 'cs_other'))).toBe('NOT_READY');
  });

  it('admits only a token of the ledger, until its end', () => {
    expect(refusal(gate(), request('GET', 'cs_other'))).toBe('TOKEN_UNKNOWN');
    expect(refusal(gate({}, 999), request('GET'))).toBeUndefined();
    expect(refusal(gate({}, 1000), request('GET'))).toBe('TOKEN_EXPIRED');
  });

  it('takes a token for ended when its lane’s time has reached its end, though the clock here is behind', () => {
    const laneTimeMs = vi.spyOn(index, 'laneTimeMs');
    laneTimeMs.mockReturnValueOnce(999);
    expect(refusal(gate({}, 10), request('GET'))).toBeUndefined();
    laneTimeMs.mockReturnValueOnce(1000);
    expect(refusal(gate({}, 10), request('GET'))).toBe('TOKEN_EXPIRED');
  });

  it('knows no other tenant than the credential’s', () => {
    const here = request('GET');
    const of = gate();
    of.admit(here);
    expect(of.credentialOf(here, 'acme').tenant).toBe('acme');
    expect(() => of.credentialOf(here, 'globex')).toThrow('no such tenant');
    expect(() => of.credentialOf(request('GET'))).toThrow('without the gate');
  });
});
