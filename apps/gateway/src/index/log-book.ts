import { parseVkey, verifyCheckpoint, type Verifier } from '#domain';

/** The public side of one tenant's log, as registered on the ledger. */
export interface LogFact {
  readonly tenant: string;
  readonly origin: string;
  readonly lane: number;
  readonly verifier: Verifier;
}
export interface LatestCheckpoint {
  readonly size: bigint;
  /** The signed note, verbatim. */
  readonly note: string;
}

/** Heads of logs that the ledger fold has not met yet: a lane has at most 2,000 tenants. */
const UNKNOWN_MAX = 4096;

/** Which log a tenant has, and the newest checkpoint of each, verified with the log's registered key before it is kept. */
export class LogBook {
  /** The log that goes on last. */
  readonly #byTenant = new Map<string, LogFact[]>();
  readonly #byOrigin = new Map<string, LogFact>();
  readonly #checkpoints = new Map<string, LatestCheckpoint>();
  /** The checkpoints topic may run ahead of the ledger. */
  readonly #unknown = new Map<string, Uint8Array>();

  register(fact: { tenant: string; origin: string; lane: number; vkey: string }): void {
    const { vkey, ...rest } = fact;
    const log: LogFact = { ...rest, verifier: parseVkey(vkey) };
    this.#byTenant.set(log.tenant, [...(this.#byTenant.get(log.tenant) ?? []), log]);
    this.#byOrigin.set(log.origin, log);
    const waiting = this.#unknown.get(log.origin);
    this.#unknown.delete(log.origin);
    if (waiting) this.noteCheckpoint(log.origin, waiting);
  }

  /** The one that goes on, unless `generation` names an earlier one. */
  get(tenant: string, generation = -1): LogFact | undefined {
    return this.#byTenant.get(tenant)?.at(generation);
  }

  /** Which of the tenant's logs has this origin; undefined: the one that goes on. */
  generationOf(tenant: string, origin: unknown): number | undefined {
    const at = this.#byTenant.get(tenant)?.findIndex((log) => log.origin === origin) ?? -1;
    return at < 0 ? undefined : at;
  }

  checkpoint(tenant: string): LatestCheckpoint | undefined {
    const origin = this.get(tenant)?.origin;
    return origin === undefined ? undefined : this.#checkpoints.get(origin);
  }

  /** Returns false for a note that the log's key did not sign, or of a smaller tree than one seen: it is not kept. */
  noteCheckpoint(origin: string, note: Uint8Array): boolean {
    const log = this.#byOrigin.get(origin);
    if (!log) {
      if (this.#unknown.size < UNKNOWN_MAX) this.#unknown.set(origin, note);
      return true;
    }
    let size: bigint;
    try {
      size = verifyCheckpoint(note, { origin, verifier: log.verifier }).size;
    } catch {
      return false;
    }
    const before = this.#checkpoints.get(origin);
    const text = new TextDecoder().decode(note);
    if (before && (size < before.size || (size === before.size && text !== before.note))) return false;
    this.#checkpoints.set(origin, { size, note: text });
    return true;
  }
}
