/** The invariants of a ledger. `LaneChecker` and `checkLedger` say how far each can be told. */
export const INVARIANTS = {
  I1: 'the leaf index is dense per tenant',
  I2: 'every link, seal and root holds',
  I3: 'each committed input record is answered by one group of entries, in order, none skipped',
  I4: 'each entry has exactly one receipt, dense, in order and verifying',
  I5: 'nothing of an aborted transaction is seen',
  I6: 'every acknowledged input is there',
  I7: 'the same inputs, times and input keys give the same bytes',
  I8: 'views equal the fold of the ledger',
  I9: 'no view or pack of one tenant holds a byte of another',
  I10: 'no two checkpoints of one size with different roots',
  I11: 'the time of each entry agrees with the broker’s append time of its record',
} as const;
export type InvariantId = keyof typeof INVARIANTS;

export type InvariantStatus = 'holds' | 'violated' | 'not-applicable' | 'unknown';
export interface InvariantResult {
  readonly id: InvariantId;
  readonly text: string;
  readonly status: InvariantStatus;
  /** How many things were looked at. */
  readonly checked: number;
  /** First violations, at most 10; or why nothing could be told, and what was erased. */
  readonly notes: readonly string[];
}

export interface LedgerReport {
  readonly status: 'valid' | 'invalid' | 'unknown';
  readonly entries: number;
  readonly receipts: number;
  /** Entries whose receipt, or inputs whose decision, is still to come. */
  readonly pending: number;
  /** Entries that cannot be decided again because an `input.erased` says that their input was erased: no fault. */
  readonly erased: number;
  readonly invariants: readonly InvariantResult[];
}

const NOTES_MAX = 10; // the first ones tell; a broken chain breaks everything after it

/** Counts what was checked and keeps the first violations, per invariant. */
export class Findings {
  readonly #checked = new Map<InvariantId, number>();
  readonly #violations = new Map<InvariantId, string[]>();
  readonly #noted = new Map<InvariantId, string[]>();
  readonly #unknown = new Map<InvariantId, string>();
  readonly #absent = new Map<InvariantId, string>();

  checked(id: InvariantId, count = 1): void {
    this.#checked.set(id, (this.#checked.get(id) ?? 0) + count);
  }

  violated(id: InvariantId, note: string): void {
    const notes = this.#violations.get(id) ?? [];
    this.#violations.set(id, notes);
    if (notes.length < NOTES_MAX) notes.push(note);
  }

  /** Worth knowing, and no fault. */
  noted(id: InvariantId, note: string): void {
    const notes = this.#noted.get(id) ?? [];
    this.#noted.set(id, notes);
    if (notes.length < NOTES_MAX) notes.push(note);
  }

  /** It was looked at, and could not be decided. */
  unknown(id: InvariantId, why: string): void {
    this.#unknown.set(id, why);
  }

  /** It does not apply to this run. */
  notApplicable(id: InvariantId, why: string): void {
    this.#absent.set(id, why);
  }

  results(): InvariantResult[] {
    return (Object.keys(INVARIANTS) as InvariantId[]).map((id) => {
      const violations = this.#violations.get(id);
      const absent = this.#absent.get(id);
      const unknown = this.#unknown.get(id);
      const status = violations ? 'violated' : absent !== undefined ? 'not-applicable' : unknown !== undefined ? 'unknown' : 'holds';
      const notes = violations ?? [absent ?? unknown, ...(this.#noted.get(id) ?? [])].filter((note) => note !== undefined);
      return { id, text: INVARIANTS[id], status, checked: this.#checked.get(id) ?? 0, notes };
    });
  }
}

export const statusOf = (results: readonly InvariantResult[]): LedgerReport['status'] => {
  if (results.some(({ status }) => status === 'violated')) return 'invalid';
  return results.some(({ status }) => status === 'unknown') ? 'unknown' : 'valid';
};
