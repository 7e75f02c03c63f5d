/** Many actions through one ledger: whether memory stays flat, and how long a successor takes to take the lane over. */
import { drive } from './drive.ts';
import type { BenchLedger } from './ledger.ts';
import { memoryOf, type Worker } from './process.ts';

export interface Soak {
  readonly records: number;
  readonly recordsPerSecond: number;
  /** Unit MiB, resident: after the first half, and how much more after the second. */
  readonly memory: readonly { readonly name: string; readonly half: number; readonly growth: number }[];
  /** Unit ms: reading what the killed decider left, by its successor's own word; and from its start as a process. */
  readonly recovery: { readonly takeOverMs: number; readonly fromStartMs: number };
}

const CHUNK = 10_000;

/** `processes`: whose memory counts. The ledger's decider is killed at the end. */
export async function soak(
  ledger: BenchLedger,
  records: number,
  processes: readonly { readonly name: string; readonly pid: number }[],
  say: (line: string) => void,
): Promise<Soak> {
  const memory = (): number[] => processes.map(({ pid }) => memoryOf(pid).now);
  const startedMs = performance.now();
  let half: number[] = [];
  let signingMs = 0;
  for (let done = 0; done < records; done += CHUNK) {
    const signing = performance.now();
    const samples = ledger.proposals(Math.min(CHUNK, records - done));
    signingMs += performance.now() - signing;
    const { recordsPerSecond } = await drive(ledger.path, samples);
    say(`${done + samples.length} of ${records}, ${Math.round(recordsPerSecond)} records/s, MiB ${memory().join(' ')}`);
    if (half.length === 0 && done + samples.length >= records / 2) half = memory();
  }
  const seconds = (performance.now() - startedMs - signingMs) / 1000;
  const end = memory();
  return {
    records,
    recordsPerSecond: records / seconds,
    memory: processes.map(({ name }, at) => ({ name, half: half[at] ?? 0, growth: (end[at] ?? 0) - (half[at] ?? 0) })),
    recovery: await recover(ledger),
  };
}

async function recover({ workers, startDecider }: BenchLedger): Promise<Soak['recovery']> {
  const decider = workers.find(({ name }) => name === 'decider');
  await decider?.kill();
  const started = performance.now();
  const successor: Worker = await startDecider();
  const fromStartMs = Math.round(performance.now() - started);
  const { ms } = JSON.parse(successor.readyLine) as { ms: number };
  await successor.stop();
  return { takeOverMs: ms, fromStartMs };
}
