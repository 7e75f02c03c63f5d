/** Every wait of reader and writer for kafkajs has an end, also where kafkajs itself never gives an answer. */
import { describe, expect, it, vi } from 'vitest';

import type * as Bounded from './bounded.ts';
import { BrokerUnavailable, IndefiniteError } from './errors.ts';
import type * as Internals from './internals.ts';
import { TransactionalWriter } from './transactional-writer.ts';
import { LaneReader } from './reader.ts';

const { never, hanging, failing } = vi.hoisted(() => ({
  never: () => new Promise<never>(() => undefined),
  /** What the cluster does not answer, in the test that runs. */
  hanging: new Set<string>(),
  failing: new Set<string>(),
}));

/** The limits themselves are seconds: here each is a moment. */
vi.mock('./bounded.ts', async (original) => {
  const { bounded } = await original<typeof Bounded>();
  const soon: typeof bounded = (what, ms, work, late) => bounded(what, Math.min(ms, 50), work, late);
  return { bounded: soon };
});

/** A cluster that answers, or hangs. */
vi.mock('./internals.ts', async (original) => {
  const actual = await original<typeof Internals>();
  const openCluster: typeof actual.openCluster = (...given) => {
    const { cluster, logger } = actual.openCluster(...given);
    const answers = { connect: () => Promise.resolve(), refreshMetadata: () => Promise.resolve(), disconnect: () => Promise.resolve() };
    const each = [...Object.entries(answers), ['addMultipleTargetTopics', answers.connect] as const];
    const broken = (): Promise<never> => Promise.reject(new Error('broken'));
    for (const [name, answer] of each)
      Object.assign(cluster, { [name]: () => (hanging.has(name) ? never() : failing.has(name) ? broken() : answer()) });
    return { cluster, logger };
  };
  return { ...actual, openCluster };
});

const nobody = { brokers: ['127.0.0.1:9'], clientId: 'test' };
const hang = (...names: string[]): void => {
  hanging.clear();
  failing.clear();
  for (const name of names) hanging.add(name);
};

describe('a client that hangs', () => {
  it('does not hang a reader that connects', async () => {
    hang('connect');
    await expect(LaneReader.open(nobody)).rejects.toThrow(BrokerUnavailable);
  });

  it.each([
    ['fetch', (reader: LaneReader) => reader.fetch([{ topic: 't', partition: 0, offset: 0n }])],
    ['endOffsets', (reader: LaneReader) => reader.endOffsets([{ topic: 't', partition: 0 }])],
  ])('does not hang a reader’s %s, nor its end', async (_, use) => {
    hang('addMultipleTargetTopics', 'disconnect');
    const reader = await LaneReader.open(nobody);
    await expect(use(reader)).rejects.toThrow(BrokerUnavailable);
    await reader.close();
  });

  it('does not hang a reader that asks for fresh metadata after an error', async () => {
    hang('refreshMetadata');
    failing.add('addMultipleTargetTopics');
    const reader = await LaneReader.open(nobody);
    await expect(reader.fetch([{ topic: 't', partition: 0, offset: 0n }])).rejects.toThrow('reader: broken');
    await reader.close();
  });

  it('does not hang a writer that takes over', async () => {
    hang('connect');
    await expect(TransactionalWriter.open({ ...nobody, transactionalId: 'lane', partitions: [] })).rejects.toThrow(IndefiniteError);
  });
});
