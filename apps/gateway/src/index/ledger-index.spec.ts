import { createHash } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { formatVkey, signCheckpoint, utf8, type EntryKind, type Predicate, type SealedBatch, type SealedEntry } from '#domain';
import { ed25519PublicKey } from '#crypto';

import { LedgerIndex, ReceiptsBroken } from './ledger-index.ts';

const seed = new Uint8Array(32).fill(7);
const vkey = (origin: string): string => formatVkey(origin, ed25519PublicKey(seed));
const origin = 'test.example/t/log1';
const birth = {
  ledger: 'test.example',
  gateway: { keyid: 'born with', publicKey: new Uint8Array(32) },
  systemLogs: [{ lane: 0, origin: 'test.example/t/sys0', vkey: vkey('test.example/t/sys0') }],
};
const REGISTERED = { registers: 'acme', lane: 0, logId: 'log1', vkey: vkey(origin) };

function fold(maximum?: number) {
  const index = new LedgerIndex(birth, maximum);
  const sizes = new Map<string, number>();
  let offset = 0;
  const add = (tenant: string, kind: EntryKind, members: object = {}, name: string = kind): number => {
    const leafIndex = sizes.get(tenant) ?? 0;
    sizes.set(tenant, kind === 'log.closed' ? 0 : leafIndex + 1); // the next log of the tenant begins at 0
    const source = { kind: 'record', topic: 'actions', epoch: 0, partition: 0, offset: String(offset++), part: 0, parts: 1 };
    const predicate = { ...members, index: String(leafIndex) } as unknown as Predicate;
    const statement = { predicate, subject: [{ name, digest: { sha256: '00'.repeat(32) } }] };
    const entry = { record: { tenant, leafIndex, lane: 0 }, statement, kind, source } as unknown as SealedEntry;
    index.foldBatch({ firstSeq: 0, entries: [entry], before: new Map() } satisfies SealedBatch);
    return leafIndex;
  };
  add('_system.0', 'tenant.registered', REGISTERED);
  add('acme', 'genesis');
  const found = (id: string) => {
    const { decision, settlement } = index.actions.find('acme', id) ?? {};
    return [decision, settlement].map((slot) => (slot === undefined ? undefined : index.entries.get(slot)?.leafIndex));
  };
  return { index, add, found };
}
const ASKED = '2026-11-25T12:00:00.000Z';
/** 't': it took its id. */
const decided = (issuer: string, taken?: 't') => (taken ? { issuer, rules: 2, askedAt: ASKED } : { issuer, rules: 2 });

describe('the time of a tenant’s lane', () => {
  it('is the latest on its ledger, of whichever tree, until it is corrected', () => {
    const { add, index } = fold();
    expect([index.laneTimeMs('acme'), index.laneTimeMs('nobody')]).toEqual([0, 0]);
    const at = (hour: number): string => `2026-11-25T${hour}:00:00.000Z`;
    add('_system.0', 'tenant.registered', { ...REGISTERED, decidedAt: at(12) });
    add('acme', 'action.decided', { ...decided('gateway'), decidedAt: at(11) }, 'a');
    expect(index.laneTimeMs('acme')).toBe(Date.parse(at(12)));
    add('_system.0', 'time.corrected', { decidedAt: at(10) });
    expect(index.laneTimeMs('acme')).toBe(Date.parse(at(10)));
  });
});

describe('actions', () => {
  it('prefers what came through a gateway, whatever came first', () => {
    const { add, found } = fold();
    add('acme', 'action.decided', decided('platform', 't'), 'a');
    const own = add('acme', 'action.decided', decided('gateway', 't'), 'a');
    add('acme', 'action.decided', decided('platform', 't'), 'a');
    expect(found('a')).toEqual([own, undefined]);
  });
  it('keeps the decision that took the id, not a conflict or a late copy after it', () => {
    const { add, found, index } = fold();
    const first = add('acme', 'action.decided', decided('gateway', 't'), 'a');
    add('acme', 'action.decided', decided('gateway'), 'a');
    add('acme', 'action.decided', { ...decided('gateway', 't'), first: '1' }, 'a');
    expect([index.actions.askedAtOf('acme', 'a'), index.actions.askedAtOf('acme', 'b')]).toEqual([Date.parse(ASKED), undefined]);
    expect(found('a')).toEqual([first, undefined]);
  });
  it('goes on to the newer action once the id was free again', () => {
    const { add, found } = fold();
    add('acme', 'action.decided', decided('gateway'), 'a');
    add('acme', 'action.decided', decided('gateway', 't'), 'a');
    const newer = add('acme', 'action.decided', decided('gateway', 't'), 'a');
    expect(found('a')).toEqual([newer, undefined]);
  });
  it('knows how an escalation ended', () => {
    const { add, found } = fold();
    const decision = add('acme', 'action.decided', decided('gateway', 't'), 'a');
    const settlement = add('acme', 'escalation.settled', { settles: String(decision) }, 'a');
    expect(found('a')).toEqual([decision, settlement]);
  });
  it('forgets what its table dropped', () => {
    const { index, add, found } = fold(3);
    add('acme', 'action.decided', decided('gateway', 't'), 'a');
    for (const id of ['b', 'c', 'd']) add('acme', 'action.decided', decided('gateway', 't'), id);
    expect([found('a'), index.actions.size]).toEqual([[undefined, undefined], 3]);
  });
});

describe('receipts', () => {
  it('are put to their entries, in order, and wait for the ledger', () => {
    const { index } = fold();
    expect(index.foldReceipt(0, { tenant: 'acme', leafIndex: 1 }, 4)).toBe('ahead');
    expect(index.foldReceipt(0, { tenant: 'unknown', leafIndex: 0 }, 4)).toBe('ahead');
    expect(index.foldReceipt(0, { tenant: 'acme', leafIndex: 0 }, 5)).toBe(index.entries.slotOf('acme', 0));
    expect(index.entries.get(index.entries.slotOf('acme', 0) ?? -1)?.receiptOffset).toBe(5);
  });
  it.each([
    ['a second one', 0, 0],
    ['a gap', 0, 2],
    ['another lane', 1, 1],
  ])('stop the reader at %s', (_, lane, leafIndex) => {
    const { index, add } = fold();
    add('acme', 'action.decided', decided('gateway'), 'a');
    add('acme', 'action.decided', decided('gateway'), 'b');
    index.foldReceipt(0, { tenant: 'acme', leafIndex: 0 }, 1);
    expect(() => index.foldReceipt(lane, { tenant: 'acme', leafIndex }, 2)).toThrow(ReceiptsBroken);
  });
});

describe('a log that was closed', () => {
  const next = { rotates: 'acme', lane: 0, logId: 'log2', vkey: vkey('test.example/t/log2') };
  function rotated() {
    const folded = fold();
    const { add, index } = folded;
    add('acme', 'action.decided', decided('gateway', 't'), 'old');
    add('_system.0', 'log.rotated', next);
    const last = add('acme', 'log.closed', { successor: 'test.example/t/log2' });
    return { ...folded, last, receipt: (leafIndex: number, at: number) => index.foldReceipt(0, { tenant: 'acme', leafIndex }, at) };
  }

  it('keeps its entries, and the receipts of both logs are put to the entries of their own', () => {
    const { index, add, found, last, receipt } = rotated();
    const first = index.actions.find('acme', 'old')?.decision ?? -1;
    for (let at = 0; at <= last; at++) expect(receipt(at, 10 + at)).not.toBe('ahead');
    expect(receipt(0, 20)).toBe('ahead');
    add('acme', 'genesis');
    expect(receipt(0, 20)).not.toBe('ahead');
    expect(found('old')).toEqual([1, undefined]);
    expect(index.entries.get(first)).toMatchObject({ leafIndex: 1, generation: 0, receiptOffset: 11 });
    expect(index.entries.get(index.entries.slotOf('acme', 0) ?? -1)).toMatchObject({ generation: 1, receiptOffset: 20 });
    expect([index.logs.get('acme', 0)?.origin, index.logs.get('acme')?.origin]).toEqual([origin, 'test.example/t/log2']);
  });
});

describe('the key of the gateway', () => {
  it('is that of the birth until the tree of the lane names another, and a tenant’s tree names none', () => {
    const { index, add } = fold();
    add('acme', 'key.rotated', { role: 'gateway', key: { keyid: 'of a tenant' } });
    add('_system.0', 'key.rotated', { role: 'admin', key: { keyid: 'of the admin' } });
    expect(index.gatewayKey(0)).toBe('born with');
    add('_system.0', 'key.rotated', { role: 'gateway', key: { keyid: 'next' } });
    expect([index.gatewayKey(0), index.gatewayKey(1)]).toEqual(['next', 'born with']);
  });
});

describe('checkpoints', () => {
  const root = new Uint8Array(32);
  const note = (size: bigint, by = seed): Uint8Array => utf8(signCheckpoint({ origin, size, root }, by));
  it('are kept when their log signed them, the newest only', () => {
    const { index } = fold();
    expect([index.logs.noteCheckpoint(origin, note(2n)), index.logs.noteCheckpoint(origin, note(1n))]).toEqual([true, false]);
    expect(index.logs.checkpoint('acme')?.size).toBe(2n);
  });
  it('are refused from another key, and with another root for one size', () => {
    const { index } = fold();
    expect(index.logs.noteCheckpoint(origin, note(2n, new Uint8Array(32).fill(8)))).toBe(false);
    index.logs.noteCheckpoint(origin, note(2n));
    const fork = utf8(signCheckpoint({ origin, size: 2n, root: new Uint8Array(32).fill(1) }, seed));
    expect(index.logs.noteCheckpoint(origin, fork)).toBe(false);
  });
  it('may come before the tenant is known, and are verified then', () => {
    const index = new LedgerIndex(birth);
    index.logs.noteCheckpoint(origin, note(3n));
    expect(index.logs.checkpoint('acme')).toBeUndefined();
    index.logs.register({ tenant: 'acme', origin, lane: 0, vkey: vkey(origin) });
    expect(index.logs.checkpoint('acme')?.size).toBe(3n);
  });
});

describe('tokens', () => {
  const actors = [{ kind: 'agent', id: 'bot', actingFor: ['ana'] }];
  const issued = (rules: number, more: object) => {
    const { index, add } = fold();
    const token = { token: 't-1', tokenHash: createHash('sha256').update('cs_one').digest('hex'), roles: ['propose'] };
    add('acme', 'token.issued', { rules, ...token, validUntil: '2027-01-01T00:00:00.000Z', ...more });
    const found = index.tokens.check('cs_one', 0);
    return 'ok' in found ? found.ok.says : found;
  };

  it('say the actors that their entry lists, and nothing without a list', () => {
    expect(issued(2, { actors })).toEqual({ rules: 2, actors });
    expect(issued(2, {})).toEqual({ rules: 2, actors: undefined });
  });
  it('of a ledger of rules 1 say the ids of their list, and any without one', () => {
    expect(issued(1, { agents: ['bot'] })).toEqual({ rules: 1, agents: ['bot'] });
    expect(issued(1, {})).toEqual({ rules: 1, agents: undefined });
  });
});
