import { CLOCK_DIFFERENCE_MAX_MS } from '../decide/lane-time.ts';
import { parseTime } from '../formats/time.ts';
import type { Rules } from '../ledger/entry.ts';
import type { SealedEntry } from '../ledger/sealed-batch.ts';
import type { Findings } from './report.ts';

/** Unit ms. Under rules 1 a decider looked after its commit, by a wider bound. */
const DIFFERENCE_MAX_MS: Readonly<Record<Rules, number>> = { 1: 60_000, 2: CLOCK_DIFFERENCE_MAX_MS };

/** I11: `decidedAt` of each entry against the broker's append time of its record, which no decider chooses. */
export class Dates {
  #appended: (number | undefined)[] = [];

  constructor(
    private readonly rules: Rules,
    private readonly findings: Findings,
  ) {}

  /** The next record of the ledger; `appendedAtMs` is undefined where no broker said it. */
  record(appendedAtMs: number | undefined): void {
    this.#appended.push(appendedAtMs);
    if (appendedAtMs === undefined) this.findings.notApplicable('I11', 'no broker’s append times are known here');
  }

  /** The entries of all records since the last call, in order. */
  entries(entries: readonly SealedEntry[]): void {
    for (const [at, { statement }] of entries.entries()) {
      const appendedAtMs = this.#appended[at];
      if (appendedAtMs !== undefined) this.#compare(statement.predicate, appendedAtMs);
    }
    this.#appended = [];
  }

  #compare({ origin, index, decidedAt }: SealedEntry['statement']['predicate'], appendedAtMs: number): void {
    this.findings.checked('I11');
    const differenceMs = appendedAtMs - parseTime(decidedAt);
    const maxMs = DIFFERENCE_MAX_MS[this.rules];
    if (Math.abs(differenceMs) <= maxMs) return;
    const seconds = (differenceMs / 1000).toFixed(1);
    this.findings.violated(
      'I11',
      `${origin} index ${index}: appended ${seconds} s after its decidedAt ${decidedAt}, more than ${maxMs / 1000} s apart`,
    );
  }
}
