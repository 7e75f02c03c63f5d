import { describe, expect, it } from 'vitest';

import { ed25519PublicKey } from '#crypto';
import type { LogReader } from '#adapters';
import { formatTrust, formatVkey } from '#domain';

import { MemoryJournal } from './fake-ledger.ts';
import type { JournalRecord } from './journal.ts';
import type { Notice } from './notice.ts';
import { openExecutor } from './open.ts';

const seed = new Uint8Array(32).fill(3);
const trust = formatTrust(formatVkey('l/t/x', ed25519PublicKey(seed)));

/** An empty lane that holds the offsets [start, end). Notes where it is read from. */
class EmptyLane implements LogReader {
  readonly asked: bigint[] = [];
  constructor(
    readonly start: bigint,
    readonly end: bigint,
  ) {}

  fetch: LogReader['fetch'] = ([position], options) => {
    if (position) this.asked.push(position.offset);
    return new Promise((_, reject) => {
      options?.signal?.addEventListener('abort', () => {
        reject(new Error('closed'));
      });
    });
  };
  endOffsets: LogReader['endOffsets'] = (partitions) =>
    Promise.resolve(partitions.map((each) => ({ ...each, start: this.start, highWatermark: this.end, lastStable: this.end })));
  close = (): Promise<void> => Promise.resolve();
}

async function open(lane: EmptyLane, records: readonly JournalRecord[] = [], given: { from?: 'now' | 'start'; atOnce?: number } = {}) {
  const journal = new MemoryJournal();
  journal.records.push(...records);
  const notices: Notice[] = [];
  const none = () => Promise.reject(new Error('nothing to publish'));
  const executor = await openExecutor({
    ...{
      brokers: [],
      birth: '0'.repeat(64),
      tenant: 'acme',
      trust,
      lanes: 2,
      issuer: 'me',
      seed,
      handlers: {},
      store: journal.open(),
      ...given,
    },
    log: { claims: { claim: none, report: none, close: () => Promise.resolve() }, openReader: () => Promise.resolve(lane) },
    onNotice: (notice) => notices.push(notice),
  });
  await executor.close();
  await executor.done;
  return { notices, asked: lane.asked, journal };
}
const position = (offset: string): JournalRecord => ({ kind: 'position', offset });

describe('where an executor begins', () => {
  it.each([
    ['now, with a new journal', [], {}, 20n],
    ['at the oldest, when it is told to', [], { from: 'start' }, 10n],
    ['where its journal stands, whatever it is told', [position('15')], { from: 'start' }, 15n],
  ] as const)('%s', async (_, records, given, offset) => {
    const { asked, notices } = await open(new EmptyLane(10n, 20n), records, given);
    expect([asked[0], notices]).toEqual([offset, []]);
  });

  it('says what was lost when the log no longer goes back that far, and goes on', async () => {
    const { asked, notices } = await open(new EmptyLane(10n, 20n), [position('4')]);
    expect([asked[0], notices]).toMatchObject([10n, [{ code: 'GAP', level: 'alarm' }]]);
  });

  it('refuses to begin where its journal is ahead of the log', async () => {
    await expect(open(new EmptyLane(0n, 3n), [position('4')])).rejects.toThrow(/another topic/);
  });

  it.each([0, 65, 1.5])('refuses %d effects at once', async (atOnce) => {
    await expect(open(new EmptyLane(0n, 0n), [], { atOnce })).rejects.toThrow(/atOnce/);
  });

  it('closes a journal that it cannot read', async () => {
    let closed = 0;
    const store = {
      load: () => Promise.reject(new Error('damaged')),
      append: () => Promise.resolve(),
      close: () => {
        closed++;
        return Promise.resolve();
      },
    };
    const opening = openExecutor({
      brokers: [],
      birth: '0'.repeat(64),
      tenant: 'acme',
      trust,
      lanes: 1,
      issuer: 'me',
      seed,
      handlers: {},
      store,
    });
    await expect(opening).rejects.toThrow('damaged');
    expect(closed).toBe(1);
  });
});
