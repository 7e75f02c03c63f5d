import { randomBytes } from 'node:crypto';

import { withAdmin } from '#adapters';

import type { Path, Sample } from './drive.ts';
import { startWorker, type Worker } from './process.ts';
import type { HopWork } from './work.ts';

/** Three hops (plain, transaction, plain) by two processes: what any design on Kafka pays before it does anything. */
export interface PassThrough {
  readonly path: Path;
  readonly workers: readonly Worker[];
  /** The same records, on the way in. */
  readonly route: (samples: readonly Sample[]) => Sample[];
}

export async function startPassThrough(
  name: string,
  brokers: readonly string[],
  work: { readonly first?: Partial<HopWork>; readonly second?: Partial<HopWork> } = {},
): Promise<PassThrough> {
  const id = `${name}-${randomBytes(3).toString('hex')}`;
  const [a, b, c] = ['a', 'b', 'c'].map((letter) => `bench-${id}-${letter}`) as [string, string, string];
  const configEntries = [{ name: 'max.message.bytes', value: String(16 * 1024 * 1024) }];
  await withAdmin({ brokers, clientId: 'bench' }, (admin) =>
    admin.createTopics({ waitForLeaders: true, topics: [a, b, c].map((topic) => ({ topic, numPartitions: 1, configEntries })) }),
  );
  const none = { brokers, signaturesPerBatch: 0, verificationsPerBatch: 0 };
  const first: HopWork = { ...none, name: `${id}-1`, from: a, to: b, transactional: true, ...work.first };
  const second: HopWork = { ...none, name: `${id}-2`, from: b, to: c, transactional: false, ...work.second };
  const start = (hop: HopWork): Promise<Worker> =>
    startWorker(hop.name, 'bench/hop.ts', { args: [JSON.stringify(hop)], isReady: (line) => line === 'ready' });
  const workers = [await start(first), await start(second)];
  const idsOf: Path['idsOf'] = ({ records }) => records.map(({ key }) => key?.toString() ?? '');
  return {
    path: { name, brokers, output: { topic: c, partition: 0 }, idsOf },
    workers,
    route: (samples) =>
      samples.map(({ id: sample, record }) => ({ id: sample, record: { ...record, topic: a, key: Buffer.from(sample) } })),
  };
}
