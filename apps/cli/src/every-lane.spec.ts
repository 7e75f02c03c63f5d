import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { codecs, type ControlRecord, Home, type KafkaRecord, type LogReader, revokeToken, wire } from '#adapters';
import { sha256 } from '#crypto';
import { emptyHeads, type EntryKind, notarise, SealedBatches, utf8 } from '#domain';
import { type MadeBatch, readerOf, recordsOf, SealedLedger } from '#testing';

import { askEveryLane, enter, type Publishing } from './every-lane.ts';

const ENTRIES = 20_000;
const BATCH = 1000;
const folder = mkdtempSync(join(tmpdir(), 'countersign-every-lane-'));
const home = Home.create(join(folder, 'data'), { name: 'ledger.example', lanes: 1, topicPrefix: '', nowMs: Date.now() });
const birth = home.birth();
const seeds = { ledgerSeed: home.key('ledger'), deciderSeed: home.key('decider') };
/** The same on a host that has no ledger seed. */
const adminOnly = withoutSeed();

/** What `ledger` and `receipts` hold, and a decider and notary that answer at once. */
class Lane {
  readonly ledger: KafkaRecord[] = [];
  readonly receipts: KafkaRecord[] = [];
  readonly #made: SealedLedger;
  readonly #batches: SealedBatches;
  constructor(born: { readonly ledgerSeed: Uint8Array; readonly deciderSeed: Uint8Array }) {
    this.#made = new SealedLedger(0, { birth, ...born });
    this.#batches = new SealedBatches(emptyHeads(birth, 0), wire);
  }

  fill(count: number): void {
    this.#take(this.#made.genesis());
    this.#take(this.#made.tenant('acme'));
    for (let at = 0; at < count; at += BATCH) {
      const entries = Array.from({ length: BATCH }, (_, each) => ({
        ...this.#made.decided('acme', `action-${at + each}`),
        value: utf8('x'),
      }));
      this.#take(this.#made.batch(entries.map((entry) => [entry])));
    }
  }

  answer(value: Uint8Array, kind: EntryKind, members: object): void {
    const payload = wire.decodeEnvelope(value)?.payload ?? new Uint8Array();
    this.#take(this.#made.batch([[{ tenant: 'acme', kind, members: { ...members }, value: payload }]]));
  }

  #take({ values }: MadeBatch): void {
    this.ledger.push(...recordsOf('ledger', values));
    for (const batch of values.flatMap((value) => this.#batches.push(value) ?? [])) {
      for (const { sealed, origin, leafIndex, treeSize, actionId, receipt } of notarise(batch, this.#made.keys).entries) {
        const { tenant } = sealed.record;
        const value = codecs.receipt.encode({ tenant, origin, leafIndex, treeSize, actionId, kind: sealed.kind, proof: receipt });
        this.receipts.push(...recordsOf('receipts', [value]).map((record) => ({ ...record, offset: BigInt(this.receipts.length) })));
      }
    }
  }
}

const lane = new Lane(seeds);
beforeAll(() => {
  lane.fill(ENTRIES);
}, 60_000);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** In order: `fetch <topic> <offset>` of each record that came, `send controls`. */
let happened: string[] = [];
beforeEach(() => {
  happened = [];
});

function context(answer: (value: Uint8Array) => void, of = home): Publishing {
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
        answer(record?.value ?? new Uint8Array());
        return Promise.resolve([{ topic: 'controls', partition: 0, baseOffset: 7n, timestampMs: 0 } as never]);
      },
      close: () => Promise.resolve(),
    }),
    progress: () => () => undefined,
  };
}

const revoke = (): ControlRecord[] => [revokeToken(home, 'acme', 'token-1')];
const revoked = (value: Uint8Array): void => {
  lane.answer(value, 'token.revoked', { token: 'token-1' });
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
      lane.answer(value, 'input.refused', { code: 'REFUSED_BODY', detail: 'unknown-token', length: value.length });
    };
    await expect(enter(context(refused), revoke())).rejects.toThrow('the ledger refused it with REFUSED_BODY (unknown-token)');
  });

  it.each([
    ['is', home],
    ['is not', adminOnly],
  ])('is not confirmed by a receipt that no log of the ledger has signed, where the ledger seed %s', async (_, of) => {
    const forger = new Lane({ ...seeds, ledgerSeed: sha256(utf8('another')) });
    forger.fill(0);
    const forged = (value: Uint8Array): void => {
      forger.answer(value, 'token.revoked', { token: 'token-1' });
      lane.receipts.push(...forger.receipts.slice(-1).map((record) => ({ ...record, offset: BigInt(lane.receipts.length) })));
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
