import { describe, expect, it } from 'vitest';

import { ActingLane, attest, checkLane, FakeEngine, MemoryLane, readBatches } from '#testing';

import { parseCheckpoint, verifyCheckpoint } from '../formats/checkpoint.ts';
import { utf8 } from '../formats/bytes.ts';
import { verifyReceipt } from '../formats/receipt.ts';
import { signCheckpoint } from '../formats/checkpoint.ts';
import { parseVkey } from '../formats/vkey.ts';
import type { Entry } from '../ledger/entry.ts';
import { admitEntry } from '../ledger/heads.ts';
import { positionVerifies, signPosition } from '../notary/position.ts';
import { emptyLane } from './state.ts';

const kinds = (entries: readonly Entry[]) => entries.map(({ tenant, kind }) => `${tenant} ${kind}`);
const detail = ([entry]: readonly Entry[]) => entry?.statement.predicate['detail'];
const NOTHING = { receipts: [], heads: [] };

function rotated(): MemoryLane {
  const lane = MemoryLane.ready(['acme', 'globex']);
  lane.propose('a-1');
  lane.rotateLog('acme');
  lane.propose('a-2');
  return lane;
}
const logs = (lane: MemoryLane, tenant: string) => {
  const old = [...lane.state.heads.closed.values()].find((tree) => tree.tenant === tenant);
  const next = lane.state.heads.trees.get(tenant);
  if (!old || !next) throw new Error(`no logs of ${tenant}`);
  return { old, next };
};

describe('a log that is rotated', () => {
  it('ends with log.closed, and the next one begins at index 0 with a genesis that cites its end', () => {
    const lane = rotated();
    const { old, next } = logs(lane, 'acme');
    const parts = lane.entries.slice(-4);
    expect(kinds(parts)).toEqual(['_system.0 log.rotated', 'acme log.closed', 'acme genesis', 'acme action.decided']);
    expect(parts[1]?.statement.predicate).toMatchObject({ origin: old.origin, successor: next.origin });
    expect(parts[2]?.statement.predicate).toMatchObject({
      origin: next.origin,
      index: '0',
      vkey: next.vkey,
      continues: { origin: old.origin },
    });
    expect(parts[3]?.statement.predicate).toMatchObject({ origin: next.origin, index: '1' });
  });

  it('is cited by exactly what its last checkpoint says, and every receipt verifies under the key of its own log', () => {
    const lane = rotated();
    const { old, next } = logs(lane, 'acme');
    const { heads, receipts } = attest(lane, lane.parties.keys);
    const last = heads.findLast(({ origin }) => origin === old.origin);
    const signed = verifyCheckpoint(last?.checkpoint ?? utf8(''), { origin: old.origin, verifier: parseVkey(old.vkey) });
    const { continues } = lane.entries.at(-2)?.statement.predicate as unknown as { continues: { checkpoint: string } };
    expect(parseCheckpoint(continues.checkpoint)).toEqual(signed);
    expect(signed.size).toBe(BigInt(old.range.size));
    lane.entries.forEach((entry, at) => {
      const { origin } = entry.statement.predicate;
      const vkey = [old, next].find((tree) => tree.origin === origin)?.vkey ?? lane.parties.keys.vkey(origin);
      expect(verifyReceipt(receipts[at]?.proof ?? utf8(''), { origin, vkey }).entry).toEqual(entry.bytes);
    });
    expect(next.vkey.split('+')[2]).not.toBe(old.vkey.split('+')[2]);
  });

  it('leaves a sound ledger, the lane’s own log and a second rotation included, also after a snapshot and a replay', async () => {
    const lane = rotated();
    lane.rotateLog('_system.0');
    lane.rotateLog('acme');
    lane.registerTenant('late');
    for (const start of [lane.snapshot(), undefined]) {
      lane.restart(start);
      lane.rotateLog('globex');
      lane.propose(start ? 'a-3' : 'a-4');
    }
    const checked = await checkLane(lane, new FakeEngine(), attest(lane, lane.parties.keys));
    expect(checked).toMatchObject({ status: 'valid', pending: 0, receipts: lane.entries.length });
    expect(readBatches(lane).flatMap(({ entries }) => entries)).toHaveLength(lane.entries.length);
  });

  it('is refused for another lane, an unknown tenant, a log id in use, a key of another log, and while work of it is open', () => {
    const lane = new ActingLane();
    lane.initialise();
    lane.registerTenant('acme');
    lane.registerIssuer('acme', 'platform', 'platform');
    lane.registerIssuer('acme', 'runner', 'executor');
    lane.activate();
    expect(detail(lane.rotateLog('acme', { lane: 1 }))).toBe('lane');
    expect(detail(lane.rotateLog('nobody'))).toBe('unknown-tenant');
    expect(detail(lane.rotateLog('acme', lane.parties.logOf('acme')))).toBe('log-id-in-use');
    expect(lane.rotateLog('acme', { vkey: lane.parties.logOf('acme').vkey })[0]?.kind).toBe('input.refused');
    lane.ask('a-1');
    expect(detail(lane.rotateLog('acme'))).toBe('open-work');
    lane.nowMs += 24 * 3_600_000;
    lane.tick();
    lane.claim(lane.only(lane.propose('a-2')), 'c-1');
    expect(detail(lane.rotateLog('acme'))).toBe('open-work');
    expect(lane.rotateLog('_system.0')[0]?.kind).toBe('log.rotated');
  });

  it('keeps its ids: one id is decided once over both logs, and the first answer is cited with the log that holds it', async () => {
    const lane = MemoryLane.ready();
    const [first] = lane.propose('a-1');
    const { origin, index } = first?.statement.predicate ?? { origin: '', index: '' };
    const before = lane.state.heads.trees.get('acme')?.origin;
    const asked = lane.proposal('a-1');
    lane.rotateLog('acme');
    for (const start of [undefined, lane.snapshot()]) {
      if (start) lane.restart(start);
      const [repeated] = lane.when('actions', asked);
      expect(repeated).toMatchObject({ kind: 'action.repeated', statement: { predicate: { first: index, firstLog: before } } });
      const [conflict] = lane.propose('a-1', { justification: 'another' });
      expect(conflict?.statement.predicate).toMatchObject({ reasons: ['DENY_CONFLICT'], first: index, firstLog: origin });
    }
    const [fresh] = lane.propose('a-2');
    const [again] = lane.propose('a-2');
    expect(again?.statement.predicate).toMatchObject({ first: fresh?.statement.predicate.index });
    expect(again?.statement.predicate['firstLog']).toBeUndefined();
    expect(await checkLane(lane, new FakeEngine(), attest(lane, lane.parties.keys))).toMatchObject({ status: 'valid' });
  });

  it('keeps what it holds erasable, by the name of the log, and nothing of the log that goes on is touched', async () => {
    const lane = rotated();
    const { old, next } = logs(lane, 'acme');
    const asked = lane.entries.filter(({ kind }) => kind === 'action.decided').map(({ statement }) => statement.predicate.index);
    const [of, also] = [`${old.origin}\0${String(asked[0])}`, `${next.origin}\0${String(asked[1])}`];
    const erase = (log: string | undefined, indexes: readonly string[]) =>
      lane.control('input.erased', 'acme', { action: 'a-1', indexes, why: 'asked', log });
    expect(detail(erase('ledger.example/t/ff', ['1']))).toBe('unknown-log');
    expect(detail(erase(old.origin, [String(old.range.size)]))).toBe('beyond-tree');
    expect(erase(old.origin, [String(asked[0])])[0]?.statement.predicate).toMatchObject({ erases: [asked[0]], log: old.origin });
    expect([lane.inputKeys.has(of), lane.inputKeys.has(also)]).toEqual([false, true]);
    expect(lane.propose('a-1')[0]?.statement.predicate).toMatchObject({ reasons: ['DENY_CONFLICT'] });
    const checked = await checkLane(lane, new FakeEngine(), attest(lane, lane.parties.keys));
    expect(checked).toMatchObject({ status: 'valid', unreplayable: 0, erased: 1 });
  });

  it('is nothing that a ledger of rules 1 knows', () => {
    const lane = MemoryLane.ready(['acme'], { rules: 1 });
    expect(detail(lane.rotateLog('acme'))).toBe('payload-type');
  });
});

describe('a reader of a ledger', () => {
  /** The lane again, up to `count` entries, and then this one. */
  const admits = (lane: MemoryLane, count: number, change: (predicate: Record<string, unknown>) => object, kind?: Entry['kind']) => {
    const { heads } = emptyLane(lane.birth, 0);
    for (const entry of lane.entries.slice(0, count)) admitEntry(heads, entry.tenant, entry.kind, entry.statement, entry.bytes);
    const next = lane.entries[count];
    if (!next) throw new Error('no such entry');
    const predicate = { ...next.statement.predicate, ...change({ ...next.statement.predicate }) };
    return () => admitEntry(heads, next.tenant, kind ?? next.kind, { ...next.statement, predicate }, next.bytes);
  };
  const at = (lane: MemoryLane, kind: string) => lane.entries.findLastIndex((entry) => entry.kind === kind);

  it('takes no log.closed without a log.rotated, nothing else after one, and no other successor', () => {
    const lane = rotated();
    const other = (successor: unknown) => admits(lane, at(lane, 'log.closed'), () => ({ successor }));
    expect(other(logs(lane, 'acme').next.origin)).not.toThrow();
    expect(other('ledger.example/t/ff')).toThrow('expected log.closed');
    expect(admits(lane, at(lane, 'log.closed'), () => ({}), 'input.gap')).toThrow('expected log.closed');
    expect(admits(lane, at(lane, 'log.rotated'), () => ({}), 'log.closed')).toThrow('expected log.closed');
  });

  it('takes no genesis that cites another end than that of the log before it, or one where there was none', () => {
    const lane = rotated();
    const genesis = at(lane, 'genesis');
    expect(admits(lane, genesis, () => ({}))).not.toThrow();
    expect(admits(lane, genesis, () => ({ continues: undefined }))).toThrow('does not cite');
    const { continues } = lane.entries[genesis]?.statement.predicate as unknown as { continues: { origin: string; checkpoint: string } };
    expect(
      admits(lane, genesis, () => ({ continues: { ...continues, checkpoint: continues.checkpoint.replace(/\n(\d+)\n/, '\n9$1\n') } })),
    ).toThrow('does not cite');
    expect(admits(lane, 0, () => ({ continues }))).toThrow('does not cite');
  });

  it('takes nothing more in the tree of a closed log', () => {
    const lane = rotated();
    const { old } = logs(lane, 'acme');
    const after = { origin: old.origin, index: String(old.range.size), previous: old.previous };
    expect(admits(lane, lane.entries.length - 1, () => after)).toThrow('expected origin');
  });

  it('counts the heads of closed logs in the position of its notary, and says which are closed', () => {
    const lane = rotated();
    const { heads } = lane.state;
    const { origin } = heads.trees.get('_system.0') ?? { origin: '' };
    const position = { lane: 0, nextSeq: heads.nextSeq, ledgerOffset: 7, inputKeysOffset: 8, sealer: null };
    const signature = signPosition(position, heads, lane.parties.keys.seed(origin));
    const { publicKey } = parseVkey(lane.parties.keys.vkey(origin));
    expect(positionVerifies(position, heads, signature, publicKey)).toBe(true);
    const reopened = [...heads.closed.values()].map((tree) => [tree.origin, { ...tree, successor: 'another' }] as const);
    expect(positionVerifies(position, { ...heads, closed: new Map(reopened) }, signature, publicKey)).toBe(false);
    expect(positionVerifies(position, { ...heads, closed: new Map() }, signature, publicKey)).toBe(false);
  });

  it('finds a ledger valid although the old key of a closed log signed beyond its end, and says so', async () => {
    const lane = rotated();
    const { old } = logs(lane, 'acme');
    const beyond = { origin: old.origin, size: BigInt(old.range.size) + 5n, root: new Uint8Array(32) };
    const checkpoint = utf8(signCheckpoint(beyond, lane.parties.keys.seed(old.origin)));
    const attested = attest(lane, lane.parties.keys);
    const checked = await checkLane(lane, new FakeEngine(), {
      ...attested,
      heads: [...attested.heads, { origin: old.origin, checkpoint }],
    });
    expect(checked).toMatchObject({ status: 'valid', headsAhead: 0 });
    expect(checked.invariants.find(({ id }) => id === 'I10')?.notes[0]).toContain('counts for nothing');
    expect((await checkLane(lane, new FakeEngine(), NOTHING)).pending).toBe(lane.entries.length);
  });
});
