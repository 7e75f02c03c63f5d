import { describe, expect, it } from 'vitest';

import { ed25519PublicKey, ed25519Verify } from '#crypto';
import { type BaseOffset, BrokerUnavailable, codecs, type OutgoingRecord } from '#adapters';
import { pae } from '#domain';

import { KafkaClaims } from './index.ts';

const seed = new Uint8Array(32).fill(6);
const HASH = 'a'.repeat(64);
const claim = { decision: '7', receipt: 'proof' };
const result = { decision: '7', claim: 'c', kind: 'result', status: 'succeeded', before: HASH, after: HASH } as const;

function kafka(send: (records: readonly OutgoingRecord[]) => Promise<BaseOffset[]>): KafkaClaims {
  const options = {
    brokers: ['127.0.0.1:1'],
    ledger: 'l',
    birth: '0'.repeat(64),
    tenant: 'acme',
    lane: 1,
    issuer: 'writer',
    seed,
    topicPrefix: 'p.',
    nowMs: () => 0,
  };
  return KafkaClaims.open(options, { send, close: () => Promise.resolve() });
}

describe('claims over kafka', () => {
  it.each([
    ['claim.requested', (claims: KafkaClaims) => claims.claim('x', claim), claim],
    ['outcome.reported', (claims: KafkaClaims) => claims.report('x', result), result],
  ] as const)('%s: signed, on the tenant’s lane of outcomes', async (kind, publish, body) => {
    const sent: OutgoingRecord[] = [];
    const claims = kafka((records) => {
      sent.push(...records);
      return Promise.resolve([{ topic: 'p.outcomes', partition: 1, baseOffset: 7n, appendTimeMs: 0 }]);
    });
    expect(await publish(claims)).toMatchObject({ id: 'x', topic: 'outcomes', partition: 1, offset: 7n });
    const [record] = sent;
    expect([record?.topic, record?.partition, record?.key?.toString()]).toEqual(['p.outcomes', 1, 'acme']);
    const envelope = codecs.signedEnvelope.decode(record?.value ?? Buffer.alloc(0));
    expect(envelope.payloadType).toContain(kind);
    expect(ed25519Verify(ed25519PublicKey(seed), pae(envelope.payloadType, envelope.payload), envelope.signature)).toBe(true);
    expect(JSON.parse(Buffer.from(envelope.payload).toString())).toMatchObject({ ...body, tenant: 'acme', issuer: 'writer', id: 'x' });
  });

  it('says Unavailable, with the id to repeat, when nothing was acknowledged', async () => {
    const away = kafka(() => Promise.reject(new BrokerUnavailable('away')));
    await expect(away.claim('x', claim)).rejects.toMatchObject({ name: 'Unavailable', code: 'BROKER_UNAVAILABLE', id: 'x' });
    await expect(kafka(() => Promise.resolve([])).report('x', result)).rejects.toMatchObject({ name: 'Unavailable', code: 'NO_OFFSET' });
  });

  it.each([
    ['an id that is no identifier', (claims: KafkaClaims) => claims.claim('a b', claim)],
    ['a decision that is no index', (claims: KafkaClaims) => claims.claim('x', { ...claim, decision: '07' })],
    ['a receipt beyond its size', (claims: KafkaClaims) => claims.claim('x', { ...claim, receipt: 'x'.repeat(65_537) })],
    ['a hash that is none', (claims: KafkaClaims) => claims.report('x', { ...result, before: 'x' })],
    ['an unknown member', (claims: KafkaClaims) => claims.report('x', { ...result, row: 'secret' } as never)],
  ])('refuses %s before anything is sent', async (_, publish) => {
    const claims = kafka(() => Promise.reject(new Error('sent')));
    await expect(publish(claims)).rejects.toMatchObject({ name: 'Denied', code: 'DENY_MALFORMED' });
  });
});
