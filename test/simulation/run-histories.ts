/** Many histories, each ended by the one checker. SEED=… replays one, COUNT=… the following ones too; COUNTERSIGN_HISTORIES=… tells more. */
import { expect, it } from 'vitest';

import { Coverage } from '#testing';

import { expectCovered } from './expect-covered.ts';
import { tell, type Told } from './histories.ts';

/** Of all files together. */
const HISTORIES = Number(process.env['COUNTERSIGN_HISTORIES'] ?? 10_000);
/** Each file has a worker of its own, and each worker warms up for itself. */
const FILES = 2;
/** Fewer than these may miss a rare fault, or a rare answer, without anything being wrong. */
const COVERED_FROM = 5000;
/** The first tell; a defect in the middle of everything fails them all. */
const REPORTED_MAX = 3;
/** Unit ms. Hours: it is the number of histories that bounds them. */
const TIMEOUT_MS = 6 * 3_600_000;
const TRACE_LINES = 60;

/** The share of the file that is number `file`, 1 or 2. */
export function runHistories(file: number): void {
  const { from, count } = shareOf(file);
  it.runIf(count > 0)(
    `${count} histories from seed ${from} on are sound`,
    async () => {
      const coverage = new Coverage();
      const reports: string[] = [];
      for (let seed = from; seed < from + count && reports.length < REPORTED_MAX; seed++) {
        const { faults, trace } = await told(seed, coverage);
        if (faults.length > 0) reports.push(reportOf(seed, file, faults, trace));
      }
      expect(reports.join('\n\n')).toBe('');
      if (count >= COVERED_FROM) expectCovered(coverage);
    },
    TIMEOUT_MS,
  );
}

function shareOf(file: number): { from: number; count: number } {
  const seed = process.env['SEED'];
  if (seed !== undefined) return { from: Number(seed), count: file === 1 ? Number(process.env['COUNT'] ?? 1) : 0 };
  const share = Math.ceil(HISTORIES / FILES);
  return { from: 1 + (file - 1) * share, count: share };
}

async function told(seed: number, coverage: Coverage): Promise<Told> {
  try {
    return await tell(seed, coverage);
  } catch (error) {
    return { faults: [error instanceof Error ? (error.stack ?? error.message) : String(error)], trace: [] };
  }
}

function reportOf(seed: number, file: number, faults: readonly string[], trace: readonly string[]): string {
  const replay = `SEED=${seed} npx vitest run --project unit test/simulation/histories-1`;
  return [`seed ${seed} (${replay}), file ${file}:`, ...faults, ...trace.slice(-TRACE_LINES).map((line) => `  ${line}`)].join('\n');
}
