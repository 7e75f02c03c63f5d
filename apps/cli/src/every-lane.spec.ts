import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { type ControlRecord, Home, type LogReader, revokeToken, wire } from '#adapters';
import { sha256 } from '#crypto';
import { type EntryKind, utf8 } from '#domain';
import { AttestedLane, readerOf } from '#testing';

import { askEveryLane, enter, type Publishing } from './every-lane.ts';

const ENTRIES = 20_000;
const folder = mkdtempSync(join(tmpdir(), 'countersign-every-lane-'));
const home = Home.create(join(folder, 'data'), { name: 'ledger.example', lanes: 1, topicPrefix: '', nowMs: Date.now() });
const born = { birth: home.birth(), ledgerSeed: home.key('ledger'), deciderSeed: home.key('decider') };
/** The same on a host that has no ledger seed. */
const adminOnly = withoutSeed();

let lane: AttestedLane;
beforeAll(() => {
  lane = new AttestedLane(born).fill('acme', ENTRIES);
}, 60_000);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** In order: `fetch <topic> <offset>` of each record that came, `send controls`. */
let happened: string[] = [];
beforeEach(() => {
  happened = [];
});

function context(decide: (value: Uint8Array) => void, of = home): Publishing {
  const reader = (): LogReader => {
    const inner = readerOf({ ledger: lane.ledger, receipts: lane.receipts });
    return {
      ...inner,
      fetch: async (positions, options) => {
        const fetched = await inner.fetch(positions, options);
        for (const { topic, records } of fetched) happened.push(...records.map(({ offset }) => `fetch ${topic} ${offset}`));
        return fetched;
      },
    };
  };
  return {
    home: of,
    openReader: () => Promise.resolve(reader()),
    openWriter: () => ({
      send: ([record]) => {
        happened.push(`send ${record?.topic ?? ''}`);
        decide(record?.value ?? new Uint8Array());
        return Promise.resolve([{ topic: 'controls', partition: 0, baseOffset: 7n, timestampMs: 0 } as never]);
      },
      close: () => Promise.resolve(),
    }),
    progress: () => () => undefined,
  };
}

const revoke = (): ControlRecord[] => [revokeToken(home, 'acme', 'token-1')];
/** As the decider answers a control. */
function answer(of: AttestedLane, value: Uint8Array, kind: EntryKind, members: Readonly<Record<string, unknown>>): void {
  of.add([{ tenant: 'acme', kind, members, value: wire.decodeEnvelope(value)?.payload ?? new Uint8Array() }]);
}
const revoked = (value: Uint8Array): void => {
  answer(lane, value, 'token.revoked', { token: 'token-1' });
};

describe('a control on a ledger of 20,000 entries', () => {
  it('is published before any record is fetched, and confirmed without a record from before it', async () => {
    const before = lane.receipts.length;
    const [entered] = await enter(context(revoked), revoke());
    expect(entered?.statement.predicate).toMatchObject({ token: 'token-1', index: String(before - 2) });
    expect(happened).toEqual(['send controls', `fetch receipts ${before}`]);
  });

  it('is confirmed where the ledger seed is not: the key of the log is looked for after it was published', async () => {
    const [entered] = await enter(context(revoked, adminOnly), revoke());
    expect(entered?.statement.predicate['token']).toBe('token-1');
    expect([happened[0], happened.filter((each) => each.startsWith('fetch ledger'))]).toEqual(['send controls', []]);
  });

  it('is refused with the words of its receipt', async () => {
    const refused = (value: Uint8Array): void => {
      answer(lane, value, 'input.refused', { code: 'REFUSED_BODY', detail: 'unknown-token', length: value.length });
    };
    await expect(enter(context(refused), revoke())).rejects.toThrow('the ledger refused it with REFUSED_BODY (unknown-token)');
  });

  it.each([
    ['is', home],
    ['is not', adminOnly],
  ])('is not confirmed by a receipt that no log of the ledger has signed, where the ledger seed %s', async (_, of) => {
    const forger = new AttestedLane({ ...born, ledgerSeed: sha256(utf8('another')) });
    const forged = (value: Uint8Array): void => {
      answer(forger, value, 'token.revoked', { token: 'token-1' });
      lane.addReceipts(forger.receipts.slice(-1));
    };
    const answers = await askEveryLane(context(forged, of), revoke(), { confirmMaxMs: 200 });
    expect(answers).toEqual([{ lane: 0, state: 'missing' }]);
  });
});

function withoutSeed(): Home {
  const copy = join(folder, 'admin-only');
  cpSync(home.folder, copy, { recursive: true });
  rmSync(join(copy, 'keys', 'ledger.seed'));
  return Home.open(copy);
}
