import type { Closed } from './closed.ts';
import type { Latency } from './latency.ts';
import type { Soak } from './soak.ts';
import type { Stage } from './stages.ts';

type OfEach<T> = Readonly<Record<'bare' | 'floor' | 'pipeline', T>>;

/** Everything a run measured. */
export interface Figures {
  /** Records a second, median of the rounds. */
  readonly throughput: OfEach<number>;
  readonly loadPerSecond: number;
  /** Unit ms, at that load. */
  readonly latency: Latency['of'];
  readonly closed: readonly Closed[];
  /** At that load, of the decider, and so of the hops. */
  readonly transactionsPerSecond: number;
  /** Unit ms of processor time a record, while throughput was measured. */
  readonly processor: OfEach<readonly { readonly name: string; readonly ms: number }[]>;
  /** Unit MiB. */
  readonly memory: readonly { readonly name: string; readonly now: number; readonly peak: number }[];
  readonly stages: readonly Stage[];
}

const NAMES = {
  bare: '(1) three hops, nothing else',
  floor: '(2) with the same signatures and engine calls',
  pipeline: '(3) countersign: signed proposal to verified verdict',
  hasty: '(1h) three hops, a transaction at once after another',
  http: '(4) countersign over HTTP: POST with ?wait to receipt',
};

export const closedReport = (closed: readonly Closed[]): string => `${['', ...closedLines(closed), ''].join('\n')}\n`;

function closedLines(closed: readonly Closed[]): string[] {
  const lines = closed.flatMap(({ callers, of }) => [
    `  ${callers} caller${callers === 1 ? '' : 's'}`,
    ...(['hasty', 'floor', 'pipeline', 'http'] as const).map((kind) => {
      const { perSecond, p50, p95, p99 } = of[kind];
      const figures = [p50, p95, p99].map((value) => value.toFixed(1).padStart(8)).join(' ');
      const ratios = [p50 / of.hasty.p50, p99 / of.hasty.p99, perSecond / of.floor.perSecond].map((ratio) => ratio.toFixed(2).padStart(7));
      return `    ${NAMES[kind].padEnd(54)}${Math.round(perSecond).toString().padStart(8)} ${figures} ${ratios.join(' ')}`;
    }),
  ]);
  return [
    `${'closed loops: each caller waits for its answer, ms'.padEnd(58)}answers/s      p50      p95      p99  of (1h): p50  p99  of (2)`,
    ...lines,
  ];
}

export function report({ throughput, loadPerSecond, latency, closed, transactionsPerSecond, processor, memory, stages }: Figures): string {
  const kinds = ['bare', 'floor', 'pipeline'] as const;
  const ms = (value: number): string => value.toFixed(1).padStart(8);
  const lines = [
    '',
    'throughput                                              records/s   of (1)   of (2)',
    ...kinds.map((kind) => {
      const ratios = [throughput.bare, throughput.floor].map((of) => (throughput[kind] / of).toFixed(2).padStart(9));
      return `  ${NAMES[kind].padEnd(54)}${Math.round(throughput[kind]).toString().padStart(9)}${ratios.join('')}`;
    }),
    '',
    `latency at ${loadPerSecond} records/s (30 % of (2)), ms                p50      p95      p99   of (1): p50   p99`,
    ...([...kinds, 'hasty'] as const).map((kind) => {
      const { p50, p95, p99 } = latency[kind];
      const ratios = [p50 / latency.bare.p50, p99 / latency.bare.p99].map((ratio) => ratio.toFixed(2).padStart(7));
      return `  ${NAMES[kind].padEnd(50)}${ms(p50)} ${ms(p95)} ${ms(p99)}      ${ratios.join('')}`;
    }),
    `  each with ${transactionsPerSecond.toFixed(0)} transactions/s, so with batches of the same size; (1h) as many as it can`,
    '',
    ...closedLines(closed),
    '',
    'processor time for each record, µs',
    ...kinds.map((kind) => {
      const all = processor[kind].reduce((sum, { ms }) => sum + ms, 0);
      const each = processor[kind].map(({ name, ms }) => `${name} ${Math.round(ms * 1000)}`).join(' · ');
      return `  (${kinds.indexOf(kind) + 1}) ${Math.round(all * 1000)
        .toString()
        .padStart(6)} = ${each}`;
    }),
    '',
    'memory, MiB                                                  now     peak',
    ...memory.map(({ name, now, peak }) => `  ${name.padEnd(54)}${now.toString().padStart(8)} ${peak.toString().padStart(8)}`),
    '',
    'one decision inside the decider, median                       µs',
    ...stages.map(({ name, p50 }) => `  ${name.padEnd(54)}${p50.toFixed(1).padStart(8)}`),
    '',
  ];
  return `${lines.join('\n')}\n`;
}

export function soakReport({ records, recordsPerSecond, memory, recovery }: Soak): string {
  const lines = [
    '',
    `${records} actions, ${Math.round(recordsPerSecond)} records/s`,
    'resident memory, MiB                                   half-way   growth in the second half',
    ...memory.map(({ name, half, growth }) => `  ${name.padEnd(52)}${half.toString().padStart(8)} ${growth.toString().padStart(8)}`),
    `take-over of the lane by the next decider: ${recovery.takeOverMs} ms, and ${recovery.fromStartMs} ms from the start of its process`,
    '',
  ];
  return `${lines.join('\n')}\n`;
}
