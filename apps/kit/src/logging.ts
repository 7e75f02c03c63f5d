import { AsyncLocalStorage } from 'node:async_hooks';

import type { LoggerService } from '@nestjs/common';
import { destination, pino, type Logger } from 'pino';

/** Members that hold secrets, wherever a careless line puts them. */
const SECRET = ['seed', 'key', 'keys', 'inputKey', 'token', 'authorization', 'password'];

/** JSON lines on stderr, written at once, so that the last line before a crash is there. Level from LOG_LEVEL. */
export const createLogger = (name: string, level = process.env['LOG_LEVEL'] ?? 'info'): Logger =>
  pino(
    { name, level, base: { pid: process.pid }, redact: SECRET.flatMap((member) => [member, `*.${member}`, `*.*.${member}`]) },
    destination({ fd: 2, sync: true }),
  );

/** Nest's own Logger is a process-wide static; this one sends each line to the pino of the app whose async context is running. */
export class NestPino implements LoggerService {
  static readonly current = new AsyncLocalStorage<Logger>();
  readonly #fallback: Logger;
  constructor(fallback: Logger) {
    this.#fallback = fallback;
  }
  get #log(): Logger {
    return NestPino.current.getStore() ?? this.#fallback;
  }
  /** Nest's own life: of no interest to an operator until something is wrong. */
  log(message: unknown, ...rest: unknown[]): void {
    this.#log.debug({ context: rest.at(-1) }, String(message));
  }
  error(message: unknown, ...rest: unknown[]): void {
    if (message instanceof Error) this.#log.error({ err: message, context: rest.at(-1) });
    else this.#log.error({ context: rest.at(-1) }, String(message));
  }
  warn(message: unknown, ...rest: unknown[]): void {
    this.#log.warn({ context: rest.at(-1) }, String(message));
  }
  debug(message: unknown, ...rest: unknown[]): void {
    this.#log.debug({ context: rest.at(-1) }, String(message));
  }
  verbose(message: unknown, ...rest: unknown[]): void {
    this.#log.trace({ context: rest.at(-1) }, String(message));
  }
  fatal(message: unknown, ...rest: unknown[]): void {
    this.#log.fatal({ context: rest.at(-1) }, String(message));
  }
}
