/** The services as real processes of their own, which a test can kill, pause and wake. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import type { Home } from '#adapters';

import { until } from './kafka.ts';

export type ServiceName = 'decider' | 'notary' | 'gateway';

export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [member: string]: unknown;
}

const ROOT = new URL('../../', import.meta.url).pathname;
/** Of what a process said, for the message of a failed test. */
const LAST_LINES = 12;
const WARN = 40;
/** Unit ms. A process starts within two seconds, and within thirty on a machine that is busy with eight other things. */
const PATIENCE_MS = 90_000;

const running = new Set<ChildProcess>();
// A worker that is ended leaves nothing behind.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class Service {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #lines: LogLine[] = [];

  constructor(
    readonly name: ServiceName,
    at: { readonly home: Home; readonly brokers: readonly string[] },
    env: Readonly<Record<string, string>> = {},
  ) {
    this.#child = spawn(process.execPath, ['--import', './scripts/register.mjs', `apps/${name}/src/main.ts`], {
      cwd: ROOT,
      env: {
        ...{
          PATH: process.env['PATH'],
          COUNTERSIGN_DATA: at.home.folder,
          KAFKA_BROKERS: at.brokers.join(','),
          PORT: '0',
          METRICS_PORT: '0',
        },
        ...{ LOG_LEVEL: 'info', COUNTERSIGN_SESSION_TIMEOUT_MS: '1500', ...env },
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    running.add(this.#child);
    this.#exited = once(this.#child, 'exit').then(() => running.delete(this.#child));
    if (!this.#child.stderr) throw new Error('stderr is a pipe');
    createInterface({ input: this.#child.stderr }).on('line', (line) => this.#lines.push(parseLine(line)));
  }

  /** How it ended: a signal's name, an exit code, or undefined while it runs. */
  get ending(): string | number | undefined {
    return this.#child.signalCode ?? this.#child.exitCode ?? undefined;
  }

  /** Everything it has logged with this message. */
  said(msg: string): readonly LogLine[] {
    return this.#lines.filter((line) => line.msg === msg);
  }

  /** Alarms: what must never be in the log of a sound system. */
  get alarms(): readonly LogLine[] {
    return this.#lines.filter((line) => 'alarm' in line);
  }

  async port(): Promise<number> {
    const [up] = await this.until('is up', () => (this.said('up').length > 0 ? this.said('up') : undefined));
    return Number(up?.['port']);
  }

  /** As `until`, but fails at once when the process has ended, and with what it said last. */
  until<T>(what: string, condition: () => T | Promise<T>): Promise<NonNullable<T>> {
    return this.#until(what, condition, () => (this.ending === undefined ? undefined : 'it has ended'));
  }

  /** Ends it as a power cut would. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  /** Resolves when it has ended by itself, at its crash point. */
  async crashed(): Promise<void> {
    await this.#until('reaches its crash point', () => this.ending !== undefined);
    if (this.ending !== 'SIGKILL') throw new Error(`${this.name} ended with ${String(this.ending)}: ${this.lastWords()}`);
  }

  /** Whether it stands still, as after SIGSTOP. */
  get isPaused(): boolean {
    return execFileSync('ps', ['-o', 'state=', '-p', String(this.#child.pid)], { encoding: 'utf8' }).startsWith('T');
  }

  wake(): void {
    this.#child.kill('SIGCONT');
  }

  async #until<T>(what: string, condition: () => T | Promise<T>, hopeless?: () => string | undefined): Promise<NonNullable<T>> {
    try {
      return await until(`${this.name} ${what}`, condition, { patienceMs: PATIENCE_MS, ...(hopeless ? { hopeless } : {}) });
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${this.lastWords()}`, { cause: error });
    }
  }

  /** As an operator does. */
  async stop(): Promise<void> {
    if (this.ending !== undefined) return;
    this.#child.kill('SIGTERM');
    this.#child.kill('SIGCONT');
    await this.#exited;
  }

  /** Its warnings and worse; everything when there are none. */
  lastWords(): string {
    const loud = this.#lines.filter(({ level }) => level >= WARN);
    const lines = (loud.length > 0 ? loud : this.#lines).slice(-LAST_LINES).map((line) => JSON.stringify(line));
    return [`${this.name} (${String(this.ending ?? 'running')}):`, ...lines].join('\n  ');
  }
}

/** Node's own words, such as an uncaught error's, are no JSON. */
export function parseLine(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { level: WARN, msg: line };
  }
}
