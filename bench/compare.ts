/** The pipeline beside what any design on Kafka must pay, interleaved on one broker. */
import type { ChosenBroker } from '#adapters';

import { drive, quantile, type Path, type Run, type Sample } from './drive.ts';
import type { BenchLedger } from './ledger.ts';
import { startPassThrough } from './pass-through.ts';
import { memoryOf, processorTimeOf, watched, type Worker } from './process.ts';
import type { Figures } from './report.ts';
import { stagesOf } from './stages.ts';

/** Unit ms a record. A process at rest. */
const NOISE_MS = 0.002;
/** Share of the floor's throughput at which latency is measured. */
const LOAD = 0.3;

interface Amount {
  readonly records: number;
  readonly rounds: number;
  readonly seconds: number;
}
interface Stage {
  readonly broker: ChosenBroker;
  /** Whoever is started here is added, for the caller to stop. */
  readonly workers: Worker[];
  readonly say: (line: string) => void;
}

export async function compare(
  ledger: BenchLedger,
  { records, rounds, seconds }: Amount,
  { broker, workers, say }: Stage,
): Promise<Figures> {
  const bare = await startPassThrough('bare', broker.brokers);
  workers.push(...bare.workers);
  const floor = await startPassThrough('floor', broker.brokers, {
    first: { proposerKey: ledger.proposerKey, bundle: ledger.bundleDocument, request: ledger.engineRequest, signaturesPerBatch: 1 },
    second: { signaturesPerBatch: 1, verificationsPerBatch: 1 },
  });
  workers.push(...floor.workers);
  const paths: { name: keyof Figures['throughput']; path: Path; route: (samples: readonly Sample[]) => readonly Sample[] }[] = [
    { name: 'bare', ...bare },
    { name: 'floor', ...floor },
    { name: 'pipeline', path: ledger.path, route: (samples) => samples },
  ];
  const throughput: Record<keyof Figures['throughput'], number[]> = { bare: [], floor: [], pipeline: [] };
  const processes = [...watched(workers, broker), { name: 'bench', pid: process.pid }];
  const processor: Record<keyof Figures['throughput'], Map<string, number>> = { bare: new Map(), floor: new Map(), pipeline: new Map() };
  for (let round = 0; round <= rounds; round++) {
    say(round === 0 ? 'warming up ...' : `throughput, round ${round} of ${rounds} ...`);
    for (const { name, path, route } of paths) {
      const samples = route(ledger.proposals(round === 0 ? Math.min(2000, records) : records));
      const before = processes.map(({ pid }) => processorTimeOf(pid));
      const run = await drive(path, samples);
      if (round === 0) continue;
      throughput[name].push(run.recordsPerSecond);
      processes.forEach((each, at) => {
        const used = processorTimeOf(each.pid) - (before[at] ?? 0);
        processor[name].set(each.name, (processor[name].get(each.name) ?? 0) + used / records / rounds);
      });
    }
  }
  const perSecond = Math.max(1, Math.round(LOAD * median(throughput.floor)));
  const latency: Record<keyof Figures['throughput'], Run[]> = { bare: [], floor: [], pipeline: [] };
  for (let round = 1; round <= rounds; round++) {
    say(`latency at ${perSecond} records/s, round ${round} of ${rounds} ...`);
    for (const { name, path, route } of paths) {
      latency[name].push(await drive(path, route(ledger.proposals(perSecond * seconds)), perSecond));
    }
  }
  const memory = processes.map(({ name, pid }) => ({ name, ...memoryOf(pid) }));
  return {
    throughput: { bare: median(throughput.bare), floor: median(throughput.floor), pipeline: median(throughput.pipeline) },
    loadPerSecond: perSecond,
    latency: { bare: quantiles(latency.bare), floor: quantiles(latency.floor), pipeline: quantiles(latency.pipeline) },
    processor: { bare: listed(processor.bare), floor: listed(processor.floor), pipeline: listed(processor.pipeline) },
    memory,
    stages: stagesOf(ledger),
  };
}

function median(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[list.length >> 1] ?? 0;
}

/** Who did something at all for this path. */
function listed(used: ReadonlyMap<string, number>): { name: string; ms: number }[] {
  return [...used].map(([name, ms]) => ({ name, ms })).filter(({ ms }) => ms > NOISE_MS);
}

/** Of each, the median of the rounds. */
function quantiles(runs: readonly Run[]): { p50: number; p95: number; p99: number } {
  const of = (q: number): number => median(runs.map(({ latencies }) => quantile(latencies, q)));
  return { p50: of(0.5), p95: of(0.95), p99: of(0.99) };
}
