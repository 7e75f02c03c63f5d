import { CLOCK_DIFFERENCE_MAX_MS } from '../decide/lane-time.ts';
import { formatTime, parseTime } from '../formats/time.ts';
import type { Rules } from '../ledger/entry.ts';
import { digestWith, NOTHING_VOIDED, type RestoredRange } from '../ledger/void.ts';
import { entryName } from '../ledger/entry-name.ts';
import type { SealedEntry } from '../ledger/sealed-batch.ts';
import type { Findings } from './report.ts';

/** Unit ms. Under rules 1 a decider looked after its commit, by a wider bound. */
const DIFFERENCE_MAX_MS: Readonly<Record<Rules, number>> = { 1: 60_000, 2: CLOCK_DIFFERENCE_MAX_MS };

/** Late entries that are kept until their receipts are read, some 200 bytes each: more than a lane loses at once. */
const LATE_MAX = 100_000;

interface Restored {
  readonly range: RestoredRange;
  /** Over those that were read so far. */
  digest: string;
  count: number;
  readonly late: Map<string, Late>;
}
interface Late {
  readonly appendedAtMs: number;
  readonly decidedAtMs: number;
}

/**
 * I11: `decidedAt` of each entry against the broker's append time of its record, which no decider chooses. A record that is younger than its
 * receipt was written again, as a lost tail is: then the receipt's append time counts. Where receipts were lost as well, an operator has signed which
 * entries were written again: no append time tells of those, and the report says so.
 */
export class Dates {
  #appended: (number | undefined)[] = [];
  /** Entries whose record is too young, by origin and leaf index. */
  readonly #late = new Map<string, Late>();
  #again = 0;
  #restored: readonly Restored[] = [];

  constructor(
    private readonly rules: Rules,
    private readonly findings: Findings,
  ) {}

  /** What an operator has signed of entries that were written again. Called before the first record. */
  restored(ranges: readonly RestoredRange[]): void {
    this.#restored = ranges.map((range) => ({ range, digest: NOTHING_VOIDED, count: 0, late: new Map<string, Late>() }));
  }

  /** The next record of the ledger; `appendedAtMs` is undefined where no broker said it. */
  record(appendedAtMs: number | undefined): void {
    this.#appended.push(appendedAtMs);
    if (appendedAtMs === undefined) this.findings.notApplicable('I11', 'no broker’s append times are known here');
  }

  /** The entries of all records since the last call, in order. */
  entries(entries: readonly SealedEntry[]): void {
    for (const [at, { statement, record }] of entries.entries()) {
      const appendedAtMs = this.#appended[at];
      const seq = BigInt(record.laneSeq);
      const restored = this.#restored.find(({ range: { from, to } }) => from <= seq && seq < to);
      if (restored) {
        restored.digest = digestWith(restored.digest, record.entry);
        restored.count += 1;
      }
      if (appendedAtMs !== undefined) this.#compare(statement.predicate, appendedAtMs, restored?.late ?? this.#late);
    }
    this.#appended = [];
  }

  /** The receipt of an entry whose record was read before, and when the broker appended it, where that is known. */
  receipt(origin: string, index: number, appendedAtMs: number | undefined): void {
    const late = this.#late.get(entryName(origin, index));
    if (!late || appendedAtMs === undefined || appendedAtMs >= late.appendedAtMs) return;
    this.#late.delete(entryName(origin, index));
    this.#again += 1;
    // A notary may have been away: a receipt that is younger than its entry contradicts nothing.
    if (late.decidedAtMs - appendedAtMs > DIFFERENCE_MAX_MS[this.rules])
      this.findings.violated(
        'I11',
        `${origin} index ${index}: attested ${secondsOf(late.decidedAtMs - appendedAtMs)} s before its decidedAt`,
      );
  }

  /** Everything is read. */
  finish(): void {
    for (const { range, digest, count, late } of this.#restored) {
      const isWhole = BigInt(count) === range.to - range.from && digest === range.digest;
      if (isWhole)
        this.findings.noted('I11', `lane ${range.lane}: sequences ${range.from} to ${range.to - 1n} were written again: ${range.why}`);
      else for (const [name, each] of late) this.#apart(name.replace('\0', ' index '), each);
    }
    for (const [name, late] of this.#late) this.#apart(name.replace('\0', ' index '), late);
    if (this.#again > 0) {
      const what = `${this.#again} entries have receipts that are older than their records`;
      this.findings.noted('I11', `${what}: they were written to the ledger again, and are compared with their receipts`);
    }
  }

  #compare({ origin, index, decidedAt }: SealedEntry['statement']['predicate'], appendedAtMs: number, lates: Map<string, Late>): void {
    this.findings.checked('I11');
    const compared = { appendedAtMs, decidedAtMs: parseTime(decidedAt) };
    const differenceMs = appendedAtMs - compared.decidedAtMs;
    if (Math.abs(differenceMs) <= DIFFERENCE_MAX_MS[this.rules]) return;
    if (differenceMs > 0 && lates.size < LATE_MAX) lates.set(entryName(origin, index), compared);
    else this.#apart(`${origin} index ${index}`, compared);
  }

  #apart(entry: string, { appendedAtMs, decidedAtMs }: Late): void {
    const maxS = DIFFERENCE_MAX_MS[this.rules] / 1000;
    const apart = `appended ${secondsOf(appendedAtMs - decidedAtMs)} s after its decidedAt ${formatTime(decidedAtMs)}`;
    this.findings.violated('I11', `${entry}: ${apart}, more than ${maxS} s apart`);
  }
}

const secondsOf = (ms: number): string => (ms / 1000).toFixed(1);
