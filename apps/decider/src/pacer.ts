/**
 * Unit ms, from the beginning of one transaction to that of the next, at most: what comes faster than it is committed shares one, since each
 * costs all who take part as much as dozens of records do.
 */
const PACE_MS = 10;
const PACE_MS_A_RECORD = 0.5;
const PACE_MAX_MS = 25;
/** Unit ms. Callers who had their answers together ask again within about this time of each other. */
const GAP_MS = 4;
/** Unit ms. As many records have come as the last time: for more of them only this time is waited. */
const SETTLED_MS = 1;
/** Records of a transaction. */
const DENSE = 64;
/** Of what the last transaction took: its markers are still being written, and one at its heels would wait for them at the broker. */
const MARKERS_SHARE = 0.5;

/**
 * When the next transaction begins. It rests only while a batch is smaller than what is known to come: a lone record, and the first one after
 * a quiet time, is committed at once.
 */
export class Pacer {
  #beganMs = -Infinity;
  #endedMs = -Infinity;
  #lastRecords = 0;
  #arrivedMs = -Infinity;

  /** `monotonicMs`: unit ms, never set back. */
  constructor(private readonly monotonicMs: () => number) {}

  /** So much comes that answers to fetches are better few and large. */
  get isDense(): boolean {
    return this.#lastRecords >= DENSE;
  }

  /** A transaction of so many records of the ledger begins; absent: of something else. */
  began(records = this.#lastRecords): void {
    this.#beganMs = this.monotonicMs();
    this.#lastRecords = records;
  }

  ended(): void {
    this.#endedMs = this.monotonicMs();
  }

  /** Something was added to the batch that gathers. */
  grew(): void {
    this.#arrivedMs = this.monotonicMs();
  }

  /** Unit ms: how long a batch of so many records still rests, if nothing is added to it. 0: it is due. Absent: what can wait for any batch. */
  restMs(records?: number): number {
    const nowMs = this.monotonicMs();
    if (records === undefined) return Math.max(0, this.#beganMs + PACE_MS - nowMs);
    const most = this.#beganMs + Math.min(PACE_MS + PACE_MS_A_RECORD * this.#lastRecords, PACE_MAX_MS);
    if (nowMs >= most || this.#lastRecords <= 1) return 0;
    const markers = this.#endedMs + MARKERS_SHARE * (this.#endedMs - this.#beganMs);
    const quiet = Math.max(this.#arrivedMs, this.#endedMs) + (records < this.#lastRecords ? GAP_MS : SETTLED_MS);
    return Math.max(0, Math.min(most, Math.max(markers, quiet)) - nowMs);
  }
}
