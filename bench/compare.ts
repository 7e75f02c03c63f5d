/** The pipeline beside what any design on Kafka must pay, interleaved on one broker. */
import type { ChosenBroker } from '#adapters';

import { type Closed, closedLoops } from './closed.ts';
import { drive, type Path, type Sample } from './drive.ts';
import { latencyOf, median } from './latency.ts';
import type { BenchLedger } from './ledger.ts';
import { startPassThrough, type PassThrough } from './pass-through.ts';
import { memoryOf, processorTimeOf, watched, type Worker } from './process.ts';
import type { Figures } from './report.ts';
import { stagesOf } from './stages.ts';
import type { HopWork } from './work.ts';

/** Unit ms a record. A process at rest. */
const NOISE_MS = 0.002;
/** Unit records/s, while warming up: many small transactions, as at a fixed load. */
const WARM_UP_LOAD = 1000;
/** Records at full speed after it: few large ones. */
const WARM_UP_FULL = 2000;
/** Share of the floor's throughput at which latency is measured. */
const LOAD = 0.3;

interface Amount {
  readonly records: number;
  readonly rounds: number;
  readonly seconds: number;
  /** Unit s, for each path, before anything is measured: until the compilers of all processes are done with what a load runs. */
  readonly warmUp: number;
}
interface Stage {
  readonly broker: ChosenBroker;
  /** Whoever is started here is added, for the caller to stop. */
  readonly workers: Worker[];
  readonly say: (line: string) => void;
}

export async function compare(ledger: BenchLedger, amount: Amount, stage: Stage): Promise<Figures> {
  const { records, rounds, seconds, warmUp } = amount;
  const { broker, workers, say } = stage;
  const start = starterOf(ledger, stage);
  const bare = await start('bare');
  const floor = await start('floor');
  const paths: { name: keyof Figures['throughput']; path: Path; route: (samples: readonly Sample[]) => readonly Sample[] }[] = [
    { name: 'bare', ...bare },
    { name: 'floor', ...floor },
    { name: 'pipeline', path: ledger.path, route: (samples) => samples },
  ];
  const throughput: Record<keyof Figures['throughput'], number[]> = { bare: [], floor: [], pipeline: [] };
  const processes = [...watched(workers, broker), { name: 'bench', pid: process.pid }];
  const processor: Record<keyof Figures['throughput'], Map<string, number>> = { bare: new Map(), floor: new Map(), pipeline: new Map() };
  say('warming up ...');
  for (const { path, route } of paths) {
    await drive(path, route(ledger.proposals(WARM_UP_LOAD * warmUp)), { perSecond: WARM_UP_LOAD });
    await drive(path, route(ledger.proposals(WARM_UP_FULL)));
  }
  for (let round = 1; round <= rounds; round++) {
    say(`throughput, round ${round} of ${rounds} ...`);
    for (const { name, path, route } of paths) {
      const samples = route(ledger.proposals(records));
      const before = processes.map(({ pid }) => processorTimeOf(pid));
      const run = await drive(path, samples);
      throughput[name].push(run.recordsPerSecond);
      processes.forEach((each, at) => {
        const used = processorTimeOf(each.pid) - (before[at] ?? 0);
        processor[name].set(each.name, (processor[name].get(each.name) ?? 0) + used / records / rounds);
      });
    }
  }
  const perSecond = Math.max(1, Math.round(LOAD * median(throughput.floor)));
  const latency = await latencyOf(ledger, bare, { perSecond, seconds, rounds }, { start, say });
  const closed = await closedLoopsOf(ledger, { bare, floor }, rounds, stage);
  const memory = processes.map(({ name, pid }) => ({ name, ...memoryOf(pid) }));
  return {
    throughput: { bare: median(throughput.bare), floor: median(throughput.floor), pipeline: median(throughput.pipeline) },
    loadPerSecond: perSecond,
    latency: latency.of,
    closed,
    transactionsPerSecond: latency.transactionsPerSecond,
    processor: { bare: listed(processor.bare), floor: listed(processor.floor), pipeline: listed(processor.pipeline) },
    memory,
    stages: stagesOf(ledger),
  };
}

/** The closed loops alone. */
export async function compareClosed(ledger: BenchLedger, rounds: number, stage: Stage): Promise<readonly Closed[]> {
  const start = starterOf(ledger, stage);
  return closedLoopsOf(ledger, { bare: await start('bare'), floor: await start('floor') }, rounds, stage);
}

/** The gateway runs only while it is asked: it follows everything that the other paths put on the ledger. */
async function closedLoopsOf(
  ledger: BenchLedger,
  hops: Readonly<Record<'bare' | 'floor', PassThrough>>,
  rounds: number,
  { workers, say }: Stage,
): Promise<readonly Closed[]> {
  const { worker, asked } = await ledger.startGateway();
  workers.push(worker);
  const closed = await closedLoops({ ledger, gateway: asked, ...hops }, rounds, say);
  await worker.stop();
  workers.splice(workers.indexOf(worker), 1);
  return closed;
}

type Start = (name: 'bare' | 'floor', pace?: Partial<HopWork>) => Promise<PassThrough>;

function starterOf(ledger: BenchLedger, { broker, workers }: Stage): Start {
  const { proposerKey, bundleDocument: bundle, engineRequest: request } = ledger;
  return async (name, pace = {}) => {
    const first = name === 'floor' ? { proposerKey, bundle, request, signaturesPerBatch: 1, ...pace } : pace;
    const second = name === 'floor' ? { signaturesPerBatch: 1, verificationsPerBatch: 1 } : {};
    const passThrough = await startPassThrough(name, broker.brokers, { first, second });
    workers.push(...passThrough.workers);
    return passThrough;
  };
}

/** Who did something at all for this path. */
function listed(used: ReadonlyMap<string, number>): { name: string; ms: number }[] {
  return [...used].map(([name, ms]) => ({ name, ms })).filter(({ ms }) => ms > NOISE_MS);
}
