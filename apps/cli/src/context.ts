/** What every command that needs a ledger shares: its folder, its broker, and the way results are printed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Command } from 'commander';

import {
  BirthError,
  confirmControls,
  type ControlRecord,
  Home,
  homeFolder,
  LaneReader,
  LedgerFacts,
  LedgerFollower,
  type LogReader,
  parseBrokers,
  PlainWriter,
  publishControls,
} from '#adapters';
import { LedgerBroken } from '#domain';

import { CliError, INVALID } from './errors.ts';
import { printableJson, toStderr, toStdout } from './terminal.ts';

/** Unit ms. A running decider answers in milliseconds. */
const CONFIRM_MAX_MS = 30_000;

interface Globals {
  readonly data?: string;
  readonly brokers?: string;
  readonly json: boolean;
}

export class Context {
  readonly json: boolean;
  readonly folder: string;
  readonly #brokers: string | undefined;
  #home: Home | undefined;

  constructor(command: Command) {
    const { json, data, brokers } = command.optsWithGlobals<Globals>();
    this.json = json;
    this.folder = homeFolder(data);
    this.#brokers = brokers;
  }

  get home(): Home {
    return (this.#home ??= Home.open(this.folder));
  }

  /** Throws CliError when no broker is known. */
  get brokers(): string[] {
    const found = this.brokersIfKnown;
    if (found) return found;
    throw new CliError('no Kafka broker is known: run npm start in another terminal, or give --brokers host:port (or KAFKA_BROKERS)');
  }

  get brokersIfKnown(): string[] | undefined {
    const given = this.#brokers ?? process.env['KAFKA_BROKERS'];
    if (given !== undefined && given !== '') return parseBrokers(given);
    try {
      const note = JSON.parse(readFileSync(join(this.folder, 'broker.json'), 'utf8')) as { brokers: string[] };
      return parseBrokers(note.brokers.join(','));
    } catch {
      return undefined; // no start is running on this folder
    }
  }

  openReader(): Promise<LogReader> {
    return LaneReader.open({ brokers: this.brokers, clientId: 'countersign-cli-reader' });
  }

  openWriter(): Pick<PlainWriter, 'send' | 'close'> {
    return PlainWriter.open({ brokers: this.brokers, clientId: 'countersign-cli' });
  }

  /** For people, or with --json for programs. */
  print(text: string, json: unknown): void {
    toStdout(this.json ? printableJson(json) : text);
  }

  /** Not a result: on stderr, so that results can be piped. A program wants only errors there. */
  note(line: string): void {
    if (!this.json) toStderr(line);
  }

  /** The ledger's facts from genesis, every record checked. `lanes` absent: all. */
  async facts(lanes?: readonly number[], facts = new LedgerFacts()): Promise<LedgerFacts> {
    const follower = await LedgerFollower.open(this.home, this.brokers, lanes);
    try {
      await this.read(follower, facts);
    } finally {
      await follower.close();
    }
    return facts;
  }

  async read(follower: LedgerFollower, facts: LedgerFacts): Promise<void> {
    const progress = this.progress('reading the ledger');
    try {
      await follower.catchUp((entry) => {
        facts.add(entry);
      }, progress);
    } catch (error) {
      if (error instanceof LedgerBroken) throw new CliError(`${error.message}: countersign doctor says more`, INVALID);
      throw error;
    }
  }

  /** A line each second, from the second one on. */
  progress(what: string): (done: bigint, total: bigint) => void {
    let saidAt = performance.now();
    return (done, total) => {
      if (performance.now() - saidAt < 1000) return;
      saidAt = performance.now();
      this.note(`${what}: ${done} of ${total}`);
    };
  }

  /** Publishes controls and waits until the ledger has them. A refusal is "invalid". */
  async control(
    lanes: readonly number[],
    make: (facts: LedgerFacts) => readonly ControlRecord[],
    facts = new LedgerFacts(),
  ): Promise<LedgerFacts> {
    const follower = await LedgerFollower.open(this.home, this.brokers, lanes);
    const writer = this.openWriter();
    try {
      await this.read(follower, facts);
      const published = await publishControls(this.home, writer, make(facts));
      const onProgress = (line: string): void => {
        this.note(line);
      };
      await confirmControls(published, { follower, facts, withinMs: CONFIRM_MAX_MS, onProgress });
      return facts;
    } catch (error) {
      if (error instanceof BirthError) throw new CliError(error.message, error.code === 'REFUSED' ? INVALID : 2);
      throw error;
    } finally {
      await Promise.allSettled([follower.close(), writer.close()]);
    }
  }
}
