/** What decider and notary rely on of their log, whoever keeps it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type CommitPoint, DisposedError, FencedError, type LaneLog, type LogReader, type LogWriter, OffsetOutOfRange } from '#adapters';

import { committed, record, valuesOf } from './log-contract-records.ts';

export interface LogUnderTest {
  readonly laneLog: LaneLog;
  /** A new topic of that many partitions, stamped by the broker. Returns its name. */
  createTopic(partitions?: number): Promise<string>;
  /** A name that no other test uses. */
  unique(word: string): string;
}

export function describeLogContract(name: string, open: () => LogUnderTest): void {
  describe(name, () => {
    let log: LogUnderTest;
    let reader: LogReader;
    beforeAll(async () => {
      log = open();
      reader = await log.laneLog.openReader();
    });
    afterAll(() => reader.close());

    const writerOf = (transactionalId = log.unique('lane'), onPoint?: (point: CommitPoint) => unknown): Promise<LogWriter> =>
      log.laneLog.openWriter({
        ...{ transactionalId, partitions: [] },
        ...(onPoint
          ? {
              onPoint: async (point) => {
                await onPoint(point);
              },
            }
          : {}),
      });
    const ends = async (topic: string) => (await reader.endOffsets([{ topic, partition: 0 }]))[0];

    it('commits several topics in one transaction, says where and when, and each marker takes an offset', async () => {
      const [one, two] = [await log.createTopic(2), await log.createTopic()];
      const writer = await writerOf();
      await writer.commit([record(one, 'a', 1)], 0);
      const bases = await writer.commit([record(one, 'b', 1), record(two, 'c'), record(one, 'd', 1)], 0);
      expect(bases.toSorted((a, b) => a.partition - b.partition)).toMatchObject([
        { topic: two, partition: 0, baseOffset: 0n },
        { topic: one, partition: 1, baseOffset: 2n },
      ]);
      const records = await committed(reader, one, 1);
      expect(valuesOf(records)).toEqual(['a', 'b', 'd']);
      expect(records.map(({ offset }) => offset)).toEqual([0n, 2n, 3n]);
      expect(bases.find(({ topic }) => topic === one)?.appendTimeMs).toBe(records[1]?.timestampMs);
      expect(valuesOf(await committed(reader, two))).toEqual(['c']);
      await writer.close();
    });

    it('aborts a transaction whose check refuses where and when it was appended, says what the check said, and ends the writer', async () => {
      const [topic, id] = [await log.createTopic(), log.unique('lane')];
      const writer = await writerOf(id);
      const refusal = new Error('the wrong time');
      let appendedAtMs = -1;
      const refused = writer.commit([record(topic, 'refused')], 0, ([first]) => {
        appendedAtMs = first?.appendTimeMs ?? -1;
        throw refusal;
      });
      await expect(refused).rejects.toBe(refusal);
      // Nobody has to wait for the broker's time-out: what comes after it is read at once.
      await expect.poll(() => ends(topic)).toMatchObject({ lastStable: 2n, highWatermark: 2n });
      await expect(writer.commit([record(topic, 'more')], 0)).rejects.toBeInstanceOf(DisposedError);
      const successor = await writerOf(id);
      const seen: number[] = [];
      const [base] = await successor.commit([record(topic, 'kept')], 0, (appended) =>
        seen.push(...appended.map((each) => each.appendTimeMs)),
      );
      expect(valuesOf(await committed(reader, topic))).toEqual(['kept']);
      expect(seen).toEqual([base?.appendTimeMs]);
      expect(appendedAtMs).toBeLessThanOrEqual(base?.appendTimeMs ?? -1);
      expect(appendedAtMs).toBeGreaterThan(0);
      await successor.close();
    });

    it('passes the named points of a transaction in order', async () => {
      const topic = await log.createTopic();
      const points: CommitPoint[] = [];
      const writer = await writerOf(undefined, (point) => points.push(point));
      await writer.commit([record(topic, 'x')], 0);
      expect(points).toEqual(['before-send', 'after-send', 'before-commit', 'after-commit-sent', 'after-commit']);
      await writer.close();
    });

    it('knows whether it is still the owner of its id', async () => {
      const [topic, id] = [await log.createTopic(), log.unique('lane')];
      const old = await writerOf(id);
      await old.expectOwner();
      await old.commit([record(topic, 'one')], 0);
      await old.expectOwner();
      const successor = await writerOf(id);
      await expect(old.expectOwner()).rejects.toMatchObject({ code: 'FENCED', succeeded: true });
      await successor.expectOwner();
      await successor.close();
    });

    it('fences a predecessor, which says so and stays unusable', async () => {
      const [topic, id] = [await log.createTopic(), log.unique('lane')];
      const old = await writerOf(id);
      await old.commit([record(topic, 'before')], 0);
      const successor = await writerOf(id);
      const error: unknown = await old.commit([record(topic, 'late')], 0).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(FencedError);
      expect(error).toMatchObject({ code: 'FENCED', succeeded: true });
      await expect(old.commit([record(topic, 'later')], 0)).rejects.toBeInstanceOf(DisposedError);
      await successor.commit([record(topic, 'after')], 0);
      expect(valuesOf(await committed(reader, topic))).toEqual(['before', 'after']);
      await successor.close();
    });

    it('has ended what a predecessor left open when its successor is there; the records stay, unseen, from every position', async () => {
      const [topic, id] = [await log.createTopic(), log.unique('lane')];
      const other = await writerOf();
      let successor: LogWriter | undefined;
      const old = await writerOf(id, async (point) => {
        if (point !== 'before-commit') return;
        await other.commit([record(topic, 'of another')], 0);
        // Its marker comes a moment later, and it is seen by nobody before what is open in front of it ends.
        await expect.poll(() => ends(topic)).toMatchObject({ lastStable: 0n, highWatermark: 3n });
        successor = await writerOf(id);
        expect(await ends(topic)).toMatchObject({ lastStable: 4n, highWatermark: 4n });
      });
      await expect(old.commit([record(topic, 'lost')], 0)).rejects.toMatchObject({ code: 'FENCED', succeeded: true });
      await successor?.commit([record(topic, 'kept')], 0);
      const records = await committed(reader, topic);
      expect(valuesOf(records)).toEqual(['of another', 'kept']);
      for (let from = 0n; from <= 6n; from++)
        expect(valuesOf(await committed(reader, topic, 0, from))).toEqual(valuesOf(records.filter(({ offset }) => offset >= from)));
      await Promise.all([successor?.close(), other.close()]);
    });

    it('leaves a transaction open that is closed in its middle', async () => {
      const topic = await log.createTopic();
      const writer: LogWriter = await writerOf(undefined, (point) => (point === 'after-send' ? writer.close() : undefined));
      await expect(writer.commit([record(topic, 'x')], 0)).rejects.toBeInstanceOf(DisposedError);
      expect(await ends(topic)).toMatchObject({ lastStable: 0n, highWatermark: 1n });
    });

    it('says that the outcome is unknown when the answer to a commit does not come, and the successor sees it', async () => {
      const [topic, id] = [await log.createTopic(), log.unique('lane')];
      const writer: LogWriter = await writerOf(id, (point) => (point === 'after-commit-sent' ? writer.close() : undefined));
      const error: unknown = await writer.commit([record(topic, 'x')], 0).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'INDEFINITE', commitSent: true });
      await (await writerOf(id)).close();
      expect(valuesOf(await committed(reader, topic))).toEqual(['x']);
    });

    it('shows nothing of an open transaction, but to a reader that asks for it', async () => {
      const topic = await log.createTopic();
      const position = [{ topic, partition: 0, offset: 0n }];
      const writer = await writerOf(undefined, async (point) => {
        if (point !== 'after-send') return;
        expect(await ends(topic)).toMatchObject({ start: 0n, highWatermark: 1n, lastStable: 0n });
        const [seen] = await reader.fetch(position, { maxWaitMs: 1 });
        expect(seen).toMatchObject({ records: [], nextOffset: 0n, highWatermark: 1n, lastStableOffset: 0n });
        const [open] = await reader.fetch(position, { isolation: 'uncommitted' });
        expect(valuesOf(open?.records ?? [])).toEqual(['x']);
      });
      await writer.commit([record(topic, 'x')], 0);
      expect(valuesOf(await committed(reader, topic))).toEqual(['x']);
      await writer.close();
    });

    it('brings key, value, headers and tombstone as they were written', async () => {
      const topic = await log.createTopic();
      const writer = await writerOf();
      await writer.commit(
        [
          { ...record(topic, 'v'), headers: { ce_id: 'ü' } },
          { ...record(topic, ''), value: null },
        ],
        0,
      );
      const [first, second] = await committed(reader, topic);
      expect(first).toMatchObject({ topic, partition: 0, offset: 0n, headers: { ce_id: 'ü' } });
      expect(first?.key?.toString()).toBe('key');
      expect(second).toMatchObject({ offset: 1n, value: null });
      await writer.close();
    });

    it('answers all partitions of one request, each from its own position', async () => {
      const topic = await log.createTopic(3);
      const writer = await writerOf();
      await writer.commit([record(topic, 'p0', 0), record(topic, 'p2', 2)], 0);
      await committed(reader, topic, 2);
      await committed(reader, topic, 0);
      const fetched = await reader.fetch([0, 1, 2].map((partition) => ({ topic, partition, offset: 0n })));
      const byPartition = new Map(fetched.map(({ partition, records }) => [partition, valuesOf(records)]));
      expect([byPartition.get(0), byPartition.get(1), byPartition.get(2)]).toEqual([['p0'], [], ['p2']]);
      await writer.close();
    });

    it('answers a long poll as soon as something is there', async () => {
      const topic = await log.createTopic();
      const writer = await writerOf();
      const own = await log.laneLog.openReader();
      const waiting = own.fetch([{ topic, partition: 0, offset: 0n }], { maxWaitMs: 10_000 });
      await writer.commit([record(topic, 'now')], 0);
      expect(valuesOf((await waiting)[0]?.records ?? [])).toEqual(['now']);
      await Promise.all([writer.close(), own.close()]);
    });

    it('gives an out of range position back as a typed error, and does not move', async () => {
      const topic = await log.createTopic();
      await reader.endOffsets([{ topic, partition: 0 }]); // its leader answers
      const [fetched] = await reader.fetch([{ topic, partition: 0, offset: 5n }]);
      expect(fetched?.error).toBeInstanceOf(OffsetOutOfRange);
      expect(fetched?.error).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', topic, partition: 0, requested: 5n });
      expect(fetched?.nextOffset).toBe(5n);
    });

    it('says that a partition does not exist', async () => {
      const topic = await log.createTopic();
      const present = { topic, partition: 0, offset: 0n };
      const fetched = await reader.fetch([present, { topic, partition: 7, offset: 0n }], { maxWaitMs: 1 });
      expect(fetched.find(({ partition }) => partition === 7)?.error?.code).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    });

    it('ends a fetch in flight on abort and on close', async () => {
      const topic = await log.createTopic();
      const own = await log.laneLog.openReader();
      const position = [{ topic, partition: 0, offset: 0n }];
      const abort = new AbortController();
      const aborted = expect(own.fetch(position, { maxWaitMs: 10_000, signal: abort.signal })).rejects.toThrow('enough');
      abort.abort(new Error('enough'));
      await aborted;
      const closed = expect(own.fetch(position, { maxWaitMs: 10_000 })).rejects.toBeInstanceOf(DisposedError);
      await own.close();
      await closed;
      await expect(own.fetch(position)).rejects.toBeInstanceOf(DisposedError);
    });
  });
}
