import { pino } from 'pino';
import { describe, expect, it } from 'vitest';

import { ed25519PublicKey, ed25519Verify, sha256Hex } from '#crypto';
import { type BaseOffset, BrokerUnavailable, codecs, KafkaFault, type OutgoingRecord } from '#adapters';
import { formatVkey, type Json, keyIdOf, pae, parseCanonical } from '#domain';

import { Actions } from './actions.ts';
import { parseProposal } from './http/body.ts';
import { Problem } from './http/problem.ts';
import { LedgerIndex } from './index/ledger-index.ts';
import type { TokenFact } from './index/token-book.ts';
import { Publisher } from './kafka/publisher.ts';
import { ReceiptWaiters } from './kafka/receipt-waiters.ts';
import { Receipts } from './receipts.ts';
import { SigningKeys } from './signing-keys.ts';

const seed = new Uint8Array(32).fill(9);
const origin = 'test.example/t/log1';
const credential: TokenFact = {
  tenant: 'acme',
  token: 't1',
  hash: Buffer.alloc(32),
  roles: ['propose', 'read'],
  says: { rules: 2, actors: [{ kind: 'agent', id: 'a' }] },
  validUntilMs: 1e15,
  revoked: false,
};
const body = {
  actor: { kind: 'agent', id: 'a' },
  class: 'c',
  operation: 'o',
  parameters: { deep: [1.5] },
  resource: { type: 't', id: 'i' },
};

const gateway = { keyid: keyIdOf(ed25519PublicKey(seed)), publicKey: ed25519PublicKey(seed) };

function actions(send: (records: readonly OutgoingRecord[]) => Promise<BaseOffset[]>, given?: Receipts, nowMs: () => number = () => 0) {
  const index = new LedgerIndex({ ledger: 'test.example', systemLogs: [], gateway });
  index.logs.register({ tenant: 'acme', origin, lane: 1, vkey: formatVkey(origin, ed25519PublicKey(seed)) });
  const log = pino({ level: 'silent' });
  const receipts = new Receipts(index, { read: () => Promise.reject(new Error('no receipt is there')) }, log);
  const publisher = new Publisher({ send, close: () => Promise.resolve() }, 'actions');
  return new Actions({
    bound: { ledger: 'test.example', birth: '0'.repeat(64) },
    keys: new SigningKeys(seed),
    index,
    receipts: given ?? receipts,
    publisher,
    waiters: new ReceiptWaiters(),
    log,
    nowMs,
  });
}
const propose = (to: Actions, given: Json, waitMs = 0) => to.propose(credential, parseProposal(given), { waitMs, traceparent: undefined });

describe('proposing', () => {
  it('signs as the issuer gateway, for the credential’s tenant, on its registered lane', async () => {
    const sent: OutgoingRecord[] = [];
    const to = actions((records) => {
      sent.push(...records);
      return Promise.resolve([{ topic: 'actions', partition: 1, baseOffset: 5n, appendTimeMs: 0 }]);
    });
    expect(await propose(to, { ...body, id: 'x', expiresIn: 900 })).toMatchObject({
      id: 'x',
      state: 'pending',
      lane: 1,
      digest: sha256Hex(codecs.signedEnvelope.decode(sent[0]?.value ?? Buffer.alloc(0)).payload),
    });
    const envelope = codecs.signedEnvelope.decode(sent[0]?.value ?? Buffer.alloc(0));
    expect([envelope.tenant, envelope.lane, sent[0]?.partition]).toEqual(['acme', 1, 1]);
    expect(ed25519Verify(ed25519PublicKey(seed), pae(envelope.payloadType, envelope.payload), envelope.signature)).toBe(true);
    const payload = parseCanonical(envelope.payload, { maxDepth: 32 });
    expect(payload).toMatchObject({ ...body, tenant: 'acme', issuer: 'gateway', token: 't1', id: 'x', ledger: 'test.example' });
    expect(payload).toMatchObject({ askedAt: '1970-01-01T00:00:00.000Z', expiresAt: '1970-01-01T00:15:00.000Z' });
    expect(payload).not.toHaveProperty('expiresIn');
  });

  it('says in each copy of an action when it was first asked for: by its own memory, by the index, or as the caller says', async () => {
    const asked: unknown[] = [];
    let nowMs = 1000;
    const to = actions(
      ([record]) => {
        const { payload } = codecs.signedEnvelope.decode(record?.value ?? Buffer.alloc(0));
        asked.push((parseCanonical(payload, { maxDepth: 32 }) as { askedAt: string }).askedAt);
        return Promise.resolve([{ topic: 'actions', partition: 1, baseOffset: 5n, appendTimeMs: 0 }]);
      },
      undefined,
      () => nowMs,
    );
    await propose(to, { ...body, id: 'x' });
    nowMs = 5000;
    for (const given of [{ id: 'x' }, { id: 'y' }, { id: 'z', askedAt: '1970-01-01T00:00:00.000Z' }])
      await propose(to, { ...body, ...given });
    const [start, later] = ['1970-01-01T00:00:01.000Z', '1970-01-01T00:00:05.000Z'];
    expect(asked).toEqual([start, start, later, '1970-01-01T00:00:00.000Z']);
  });

  it('accepts nothing that Kafka did not acknowledge, and gives the id to repeat', async () => {
    const away = actions(() => Promise.reject(new BrokerUnavailable('away')));
    await expect(propose(away, { ...body, id: 'x' })).rejects.toMatchObject({
      status: 503,
      code: 'BROKER_UNAVAILABLE',
      extras: { members: { id: 'x' } },
    });
    await expect(away.find(credential, 'x')).rejects.toMatchObject({ status: 404 });
    const refused = actions(() => Promise.reject(new KafkaFault('TOPIC_AUTHORIZATION_FAILED', 'no')));
    await expect(propose(refused, body)).rejects.toMatchObject({ status: 503, code: 'TOPIC_AUTHORIZATION_FAILED' });
    await expect(
      propose(
        actions(() => Promise.resolve([])),
        body,
      ),
    ).rejects.toMatchObject({ status: 503 });
  });

  it('tells the id of what it accepted although its receipt cannot be read now', async () => {
    const receipts = {
      slotsOfPayload: () => [],
      slotOfRefusal: () => undefined,
      ofPayload: () => Promise.reject(new Problem(503, 'OVERLOADED', 'too many')),
    } as unknown as Receipts;
    const to = actions(() => Promise.resolve([{ topic: 'actions', partition: 1, baseOffset: 5n, appendTimeMs: 0 }]), receipts);
    expect(await propose(to, body, 1)).toMatchObject({ state: 'pending', lane: 1 });
  });

  it('finds what it accepted before the ledger has it, and answers pending when the wait is over', async () => {
    const to = actions(() => Promise.resolve([{ topic: 'actions', partition: 1, baseOffset: 5n, appendTimeMs: 0 }]));
    const pending = await propose(to, { ...body, id: 'x' }, 1);
    expect(pending.state).toBe('pending');
    expect(await to.find(credential, 'x')).toEqual(pending);
    await expect(to.find({ ...credential, tenant: 'globex' }, 'x')).rejects.toMatchObject({ status: 404 });
  });
});
