/** Writes down what a fault test did and what was seen: lines of JSON, of which `npm run test:faults` makes docs/faults.md. */
import { appendFileSync } from 'node:fs';

import type { InvariantId, InvariantStatus, LedgerReport } from '#domain';

import { statusesOf } from '../support/expect-valid.ts';

/** How often the long form tries each fault; undefined in the short form, which `npm test` runs and which writes nothing down. */
export const KILLS = Number(process.env['COUNTERSIGN_FAULT_KILLS'] ?? 0) || undefined;
const LOG = process.env['COUNTERSIGN_FAULT_LOG'];

/** Part of the matrix, in its order. */
export type Area = 'decider' | 'notary' | 'gateway' | 'broker' | 'network' | 'owners' | 'executors' | 'clocks' | 'ledger';

/** One line of the log. What happened is since the trial's last line, so that lines add up; what holds is of the whole ledger. */
export interface TrialRecord {
  readonly area: Area;
  readonly fault: string;
  readonly tries: number;
  /** How often a process was ended with SIGKILL: more than `tries` where one try needs two. */
  readonly kills: number;
  readonly invariants: Readonly<Partial<Record<InvariantId, InvariantStatus>>>;
  /** The fault is a ledger that does not hold any more; what counts is that it is found. */
  readonly breaksLedger: boolean;
  /** Of the ledger, from genesis, as it was checked. */
  readonly entries: number;
  /** What was seen, and how often. */
  readonly seen: Readonly<Record<string, number>>;
  /** Unit ms: from the death of an owner until its successor had taken over its first lane, the start of its process included. */
  readonly takeOversMs: readonly number[];
}

export class Trial {
  #tries = 0;
  #kills = 0;
  #seen: Record<string, number> = {};
  #takeOversMs: number[] = [];

  constructor(
    readonly area: Area,
    readonly fault: string,
    readonly options: { readonly breaksLedger?: boolean } = {},
  ) {}

  tried(times = 1): this {
    this.#tries += times;
    return this;
  }

  /** A process was ended with SIGKILL. */
  killed(): this {
    this.#kills += 1;
    return this;
  }

  saw(what: string, times = 1): this {
    if (times > 0) this.#seen[what] = (this.#seen[what] ?? 0) + times;
    return this;
  }

  tookOver(ms: number): void {
    this.#takeOversMs.push(ms);
  }

  /** To be called with what the one checker says, before anything is expected of it: the matrix also shows what does not hold. */
  record(report: LedgerReport): void {
    if (LOG === undefined) return;
    const record: TrialRecord = {
      ...{ area: this.area, fault: this.fault, tries: this.#tries, kills: this.#kills, entries: report.entries, seen: this.#seen },
      ...{ breaksLedger: this.options.breaksLedger ?? false, takeOversMs: this.#takeOversMs },
      invariants: statusesOf(report),
    };
    appendFileSync(LOG, `${JSON.stringify(record)}\n`);
    this.#tries = this.#kills = 0;
    this.#seen = {};
    this.#takeOversMs = [];
  }
}
