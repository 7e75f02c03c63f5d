import { base64, fromBase64, parseVkey, verifyCheckpoint, type Verifier } from '#domain';

import { IndexStore } from './index-store.ts';

/** The public side of one tenant's log, as registered on the ledger. */
export interface LogFact {
  readonly tenant: string;
  readonly origin: string;
  readonly lane: number;
  readonly verifier: Verifier;
}
export interface RegisteredLog {
  readonly tenant: string;
  readonly origin: string;
  readonly lane: number;
  readonly vkey: string;
}
export interface LatestCheckpoint {
  readonly size: bigint;
  readonly root: Uint8Array;
  /** The signed note, verbatim. */
  readonly note: string;
}

const KEPT_LOG = 'log/';
const KEPT_NOTE = 'checkpoint/';
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

  constructor(private readonly store = new IndexStore()) {
    this.load();
  }

  /** Each checkpoint is verified again. */
  load(): void {
    for (const known of [this.#byTenant, this.#byOrigin, this.#checkpoints, this.#unknown]) known.clear();
    for (const [, fact] of this.store.all<RegisteredLog>(KEPT_LOG)) this.#add(fact);
    for (const [origin, note] of this.store.all<string>(KEPT_NOTE)) this.noteCheckpoint(origin, fromBase64(note));
  }

  /** Once for each log: the one that goes on last. */
  register(fact: RegisteredLog): void {
    if (this.#byOrigin.has(fact.origin)) return;
    const generation = this.#add(fact);
    this.store.put(`${KEPT_LOG}${JSON.stringify([fact.tenant, String(generation).padStart(6, '0')])}`, JSON.stringify(fact));
    const waiting = this.#unknown.get(fact.origin);
    this.#unknown.delete(fact.origin);
    if (waiting) this.noteCheckpoint(fact.origin, waiting);
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
      if (this.#unknown.size >= UNKNOWN_MAX) return true;
      this.#unknown.set(origin, note);
      this.#keep(origin, note);
      return true;
    }
    let size: bigint;
    let root: Uint8Array;
    try {
      ({ size, root } = verifyCheckpoint(note, { origin, verifier: log.verifier }));
    } catch {
      return false;
    }
    const before = this.#checkpoints.get(origin);
    const text = new TextDecoder().decode(note);
    if (before && (size < before.size || (size === before.size && text !== before.note))) return false;
    this.#checkpoints.set(origin, { size, root, note: text });
    this.#keep(origin, note);
    return true;
  }

  /** Of one log, closed or not. */
  checkpointOf(origin: string): LatestCheckpoint | undefined {
    return this.#checkpoints.get(origin);
  }

  #add({ vkey, ...rest }: RegisteredLog): number {
    const log: LogFact = { ...rest, verifier: parseVkey(vkey) };
    const before = this.#byTenant.get(log.tenant) ?? [];
    this.#byTenant.set(log.tenant, [...before, log]);
    this.#byOrigin.set(log.origin, log);
    return before.length;
  }

  #keep(origin: string, note: Uint8Array): void {
    this.store.put(`${KEPT_NOTE}${origin}`, JSON.stringify(base64(note)));
  }
}
