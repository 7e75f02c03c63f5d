/** Latency at a fixed load. The hops make as many transactions a second as the pipeline does, so that the batches are of the same size. */
import { drive, quantile, type Path, type Run, type Sample } from './drive.ts';
import type { BenchLedger } from './ledger.ts';
import type { PassThrough } from './pass-through.ts';

export type Quantiles = Readonly<Record<'p50' | 'p95' | 'p99', number>>;
export interface Latency {
  /** Unit ms. `hasty`: hops that begin a transaction at the heels of another. */
  readonly of: Readonly<Record<'bare' | 'floor' | 'pipeline' | 'hasty', Quantiles>>;
  readonly transactionsPerSecond: number;
}
interface Load {
  readonly perSecond: number;
  readonly seconds: number;
  readonly rounds: number;
}
/** A pass-through with `everyMs` from one transaction to the next. */
type Start = (name: 'bare' | 'floor', pace: { readonly everyMs: number }) => Promise<PassThrough>;

export async function latencyOf(
  ledger: BenchLedger,
  hasty: PassThrough,
  { perSecond, seconds, rounds }: Load,
  { start, say }: { readonly start: Start; readonly say: (line: string) => void },
): Promise<Latency> {
  const driven = (path: Path, route: (samples: readonly Sample[]) => readonly Sample[]): Promise<Run> =>
    drive(path, route(ledger.proposals(perSecond * seconds)), { perSecond });
  const asTheyAre = (samples: readonly Sample[]): readonly Sample[] => samples;
  say(`latency at ${perSecond} records/s: how many transactions the pipeline makes ...`);
  const before = await ledger.ledgerEnd();
  await driven(ledger.path, asTheyAre);
  const transactions = Number((await ledger.ledgerEnd()) - before) - perSecond * seconds; // each leaves a marker
  const pace = { everyMs: (seconds * 1000) / transactions };
  const [bare, floor] = [await start('bare', pace), await start('floor', pace)];
  const paths = { bare, floor, pipeline: { path: ledger.path, route: asTheyAre }, hasty };
  const runs: Record<keyof typeof paths, Run[]> = { bare: [], floor: [], pipeline: [], hasty: [] };
  for (let round = 1; round <= rounds; round++) {
    say(`latency at ${perSecond} records/s, round ${round} of ${rounds} ...`);
    for (const [name, { path, route }] of Object.entries(paths)) runs[name as keyof typeof paths].push(await driven(path, route));
  }
  const of = { bare: quantiles(runs.bare), floor: quantiles(runs.floor), pipeline: quantiles(runs.pipeline), hasty: quantiles(runs.hasty) };
  return { of, transactionsPerSecond: transactions / seconds };
}

export function median(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[list.length >> 1] ?? 0;
}

/** Of each, the median of the rounds. */
function quantiles(runs: readonly Run[]): Quantiles {
  const of = (q: number): number => median(runs.map(({ latencies }) => quantile(latencies, q)));
  return { p50: of(0.5), p95: of(0.95), p99: of(0.99) };
}
