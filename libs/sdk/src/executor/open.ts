import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { ed25519PublicKey } from '#crypto';
import { keyIdOf, laneOf, parseTrust } from '#domain';

import { KafkaClaims } from '../claims.ts';
import { ExecutorClock } from './executor-clock.ts';
import { FileJournal } from './file-journal.ts';
import { type FollowOptions, VerdictFollower } from './follow.ts';
import type { Handlers } from './handler.ts';
import { type Journal, type Memory, remember } from './journal.ts';
import { levelOf, type Notice, printNotice } from './notice.ts';
import { Worker } from './worker.ts';

export interface ExecutorOptions {
  readonly brokers: readonly string[];
  readonly tenant: string;
  /** Trust file of the tenant's log, obtained elsewhere. */
  readonly trust: string;
  /** Hex digest of the ledger's birth, `initialised.sha256` in ledger.json: what its claims and reports are bound to. */
  readonly birth: string;
  /** How many lanes the ledger has. */
  readonly lanes: number;
  /** The tenant's registered lane. Default: the one that its id leads to. */
  readonly lane?: number;
  /** Issuer id, of type executor, under which the ledger admits the key; permits name it. */
  readonly issuer: string;
  /** 32-byte Ed25519 seed of that issuer. */
  readonly seed: Uint8Array;
  readonly handlers: Handlers;
  /** Where claims are remembered: a file of this process alone, or a journal of the caller's. Default `.countersign/executors/<tenant>.<issuer>.jsonl`. */
  readonly store?: string | Journal;
  /** Where to begin when the journal is new. Default `now`. */
  readonly from?: 'now' | 'start';
  /** Effects at once, 1 to 64. Default 1: hashes of before and after then have nobody else's effect between them. */
  readonly atOnce?: number;
  readonly topicPrefix?: string;
  /** Default: a line on stderr for all but good news. */
  readonly onNotice?: (notice: Notice) => void;
  readonly onRejected?: FollowOptions['onRejected'];
  /** The wall clock; a wrong one delays nothing beyond its deadline. */
  readonly nowMs?: () => number;
  /** For tests: another log than Kafka's. */
  readonly log?: {
    readonly claims: Pick<KafkaClaims, 'claim' | 'report' | 'close'>;
    readonly openReader: NonNullable<FollowOptions['openReader']>;
  };
}

export interface Executor {
  /** Resolves at close; rejects with what it cannot go on after: its journal cannot be written, or `verdicts` cannot be read. */
  readonly done: Promise<void>;
  /** Takes nothing new, waits for what runs and for its report. */
  close(): Promise<void>;
}

/** Effects of one process: above, its database is the limit. */
const AT_ONCE_MAX = 64;
/** Unit ms: how often the position is written down, and claims are looked at that nobody answers. */
const TICK_MS = 1000;
/**
 * Follows the tenant's verdicts, claims what names this issuer and has a handler, and runs the handler on its own grant alone. Throws
 * TrustError, JournalError.
 */
export async function openExecutor(options: ExecutorOptions): Promise<Executor> {
  const { brokers, birth, tenant, issuer, seed, handlers, atOnce = 1, topicPrefix, nowMs = Date.now, onNotice = printNotice } = options;
  if (!Number.isInteger(atOnce) || atOnce < 1 || atOnce > AT_ONCE_MAX)
    throw new RangeError(`atOnce: expected 1 to ${AT_ONCE_MAX}, got ${atOnce}`);
  const lane = options.lane ?? laneOf(tenant, options.lanes);
  const origin = parseTrust(options.trust).log.name;
  const prefixed = topicPrefix === undefined ? {} : { topicPrefix };
  const ledger = origin.slice(0, origin.indexOf('/t/'));
  const clock = new ExecutorClock(nowMs, () => performance.now());
  const dated = { nowMs: () => clock.nowMs };
  const claims = options.log?.claims ?? KafkaClaims.open({ brokers, ledger, birth, tenant, lane, issuer, seed, ...dated, ...prefixed });
  const journal = journalOf(options, origin);
  const memory = await loaded(journal, claims);
  const keyid = keyIdOf(ed25519PublicKey(seed));
  const worker = new Worker({
    issuer,
    keyid,
    handlers,
    journal,
    memory,
    claims,
    atOnce,
    newClaimId: randomUUID,
    clock,
    onNotice,
    pause: (ms, signal) => delay(ms, undefined, { signal }),
  });
  const running = new Running(worker, { ...options, lane, claims, journal });
  try {
    const lost = await running.begin(memory.position ?? options.from ?? 'now');
    if (lost !== undefined) onNotice({ code: 'GAP', level: levelOf('GAP'), actionId: '', claim: '', reasons: [], detail: lost });
  } catch (error) {
    await running.close();
    throw error;
  }
  return { done: running.run(), close: () => running.close() };
}

interface Parts extends Pick<ExecutorOptions, 'brokers' | 'tenant' | 'trust' | 'topicPrefix' | 'onRejected' | 'log'> {
  readonly lane: number;
  readonly claims: { close(): Promise<void> };
  readonly journal: Journal;
}

/** The worker with the lane of `verdicts` that feeds it. */
class Running {
  readonly #worker: Worker;
  readonly #follower: VerdictFollower;
  readonly #parts: Parts;
  /** End of the lane when this executor began: what is before it may hold the answer to a claim of an earlier life. */
  #end = 0n;
  #timer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;

  constructor(worker: Worker, parts: Parts) {
    const { brokers, tenant, trust, topicPrefix, onRejected, log } = parts;
    this.#worker = worker;
    this.#parts = parts;
    const optional = { ...(topicPrefix === undefined ? {} : { topicPrefix }), ...(onRejected ? { onRejected } : {}) };
    this.#follower = new VerdictFollower(
      { brokers, trust: { [tenant]: trust }, ...optional, ...(log ? { openReader: log.openReader } : {}) },
      (verdict, { offset }) => {
        worker.take(verdict, offset);
        if (offset + 1n >= this.#end) worker.caughtUp();
      },
    );
  }

  /** What was lost, when the log no longer goes back to where the journal stands. */
  async begin(from: 'now' | 'start' | bigint): Promise<string | undefined> {
    const { start, end } = await this.#follower.range(this.#parts.lane);
    if (typeof from === 'bigint' && from > end)
      throw new RangeError(`verdicts ends at ${end}, the journal stands at ${from}: another topic?`);
    this.#end = end;
    const isLost = typeof from === 'bigint' && from < start;
    this.#follower.positions.set(this.#parts.lane, from === 'now' ? end : from === 'start' || isLost ? start : from);
    return isLost ? `verdicts ${from} to ${start} are no longer kept: claims among them are not carried on` : undefined;
  }

  run(): Promise<void> {
    this.#tick();
    this.#timer = setInterval(() => {
      this.#tick();
    }, TICK_MS).unref();
    const done = Promise.race([this.#follower.run(), this.#worker.fatal]).finally(() => {
      clearInterval(this.#timer);
      void this.#follower.close();
    });
    done.catch(() => undefined); // whoever cares awaits it
    return done;
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  get #next(): bigint | undefined {
    return this.#follower.positions.get(this.#parts.lane);
  }

  #tick(): void {
    if (this.#next === undefined) return;
    if (this.#next >= this.#end) this.#worker.caughtUp();
    this.#worker.tick(this.#next);
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#follower.close();
    try {
      if (this.#next !== undefined) await this.#worker.close(this.#next);
    } finally {
      await Promise.allSettled([this.#parts.claims.close(), this.#parts.journal.close()]);
    }
  }
}

async function loaded(journal: Journal, claims: { close(): Promise<void> }): Promise<Memory> {
  try {
    return remember(await journal.load());
  } catch (error) {
    await Promise.allSettled([journal.close(), claims.close()]);
    throw error;
  }
}

function journalOf({ store, tenant, issuer }: ExecutorOptions, origin: string): Journal {
  if (typeof store === 'object') return store;
  const name = `${encodeURIComponent(tenant)}.${encodeURIComponent(issuer)}.jsonl`; // identifiers may hold a slash
  return FileJournal.open(store ?? join('.countersign', 'executors', name), { origin, issuer });
}
