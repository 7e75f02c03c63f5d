import { setTimeout as delay } from 'node:timers/promises';

import { LaneReader, PlainWriter, type FetchedPartition, type OutgoingRecord } from '#adapters';

/** A path that records take: where they go in, and what tells that one has come out. */
export interface Path {
  readonly name: string;
  readonly brokers: readonly string[];
  /** Where records come out. */
  readonly output: { readonly topic: string; readonly partition: number };
  /** Id after id of the records in this answer, each verified as the path demands; throws on anything wrong. */
  readonly idsOf: (fetched: FetchedPartition) => Iterable<string>;
}
export interface Sample {
  readonly id: string;
  readonly record: OutgoingRecord;
}
export interface Run {
  readonly recordsPerSecond: number;
  /** Unit ms, from when each record should have been sent to when its verdict was verified. Sorted. */
  readonly latencies: Float64Array;
}

/** Records in flight while throughput is measured: enough to fill every batch, little enough to fit every buffer. */
const WINDOW = 4096;
const SEND_MAX = 256;
/** Unit ms, at a fixed load: `linger.ms` of Apache Kafka's own producer since 4.0. */
const LINGER_MS = 5;

/**
 * Sends `samples` and waits until all have come out. `perSecond`: so many of them a second. Else as fast as `window` allows, which is how many
 * callers there are of whom each waits for one verdict before it asks again.
 */
export async function drive(
  path: Path,
  samples: readonly Sample[],
  { perSecond, window = WINDOW }: { readonly perSecond?: number; readonly window?: number } = {},
): Promise<Run> {
  const connection = { brokers: path.brokers, clientId: 'bench-driver' };
  const writer = PlainWriter.open(connection);
  const reader = await LaneReader.open(connection);
  const [ends] = await reader.endOffsets([path.output]);
  const due = new Map<string, number>();
  const latencies: number[] = [];
  let sent = 0;
  let wake: () => void = () => undefined;
  const started = performance.now();

  const receive = async (): Promise<void> => {
    let offset = ends?.highWatermark ?? 0n;
    while (latencies.length < samples.length) {
      const [fetched] = await reader.fetch([{ ...path.output, offset }], {
        maxWaitMs: 100,
        minBytes: 1,
        maxBytesPerPartition: 4 * 1024 * 1024,
      });
      if (!fetched || fetched.error) throw fetched?.error ?? new Error('nothing fetched');
      offset = fetched.nextOffset;
      for (const id of path.idsOf(fetched)) {
        const at = due.get(id);
        if (at === undefined) continue;
        due.delete(id);
        latencies.push(performance.now() - at);
      }
      wake();
    }
  };
  const send = async (): Promise<void> => {
    while (sent < samples.length) {
      const now = performance.now();
      const allowed =
        perSecond === undefined ? window - (sent - latencies.length) : Math.floor(((now - started) * perSecond) / 1000) - sent;
      const batch = samples.slice(sent, sent + Math.min(SEND_MAX, allowed));
      if (batch.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          setTimeout(resolve, perSecond === undefined ? 20 : 1);
        });
        continue;
      }
      batch.forEach(({ id }, at) => due.set(id, perSecond === undefined ? now : started + ((sent + at + 1) * 1000) / perSecond));
      sent += batch.length;
      await writer.send(batch.map(({ record }) => record));
      if (perSecond !== undefined) await delay(Math.max(0, now + LINGER_MS - performance.now()));
    }
  };
  try {
    await Promise.all([receive(), send()]);
  } finally {
    await Promise.allSettled([reader.close(), writer.close()]);
  }
  const seconds = (performance.now() - started) / 1000;
  return { recordsPerSecond: samples.length / seconds, latencies: Float64Array.from(latencies).sort() };
}

/** Unit ms; `latencies` sorted. */
export const quantile = (latencies: Float64Array, q: number): number =>
  latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * q))] ?? 0;
