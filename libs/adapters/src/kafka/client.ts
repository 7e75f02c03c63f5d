import type { KafkaConfig, LogEntry, RetryOptions, SASLOptions } from 'kafkajs';
import { DisposedError, messageOf } from './errors.ts';
import { kafkajs, socketFactory } from './patch.ts';

/** The part of a pino logger that adapters use. */
export interface Log {
  debug(obj: object, msg: string): void;
  info(obj: object, msg: string): void;
  warn(obj: object, msg: string): void;
  error(obj: object, msg: string): void;
}

export const silentLog: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** Unit ms: below the transaction time-out (10 s), so that a lost answer is noticed while the transaction still stands. */
export const REQUEST_TIMEOUT_MS = 5000;
const CONNECTION_TIMEOUT_MS = 3000;

/** Stated everywhere, because kafkajs has other defaults under NODE_ENV=test. About 4 s in all. */
export const CLIENT_RETRY: RetryOptions = { initialRetryTime: 50, factor: 0.2, multiplier: 2, maxRetryTime: 1000, retries: 7 };

export interface ConnectionOptions {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly log?: Log;
  readonly env?: NodeJS.ProcessEnv;
}

/** `host:port,host:port` as in KAFKA_BROKERS. */
export function parseBrokers(text: string): string[] {
  const brokers = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (brokers.length === 0) throw new Error('KAFKA_BROKERS is empty: host:port,host:port expected');
  for (const broker of brokers)
    if (!/^[^\s:,]+:\d{1,5}$/.test(broker)) throw new Error(`KAFKA_BROKERS: host:port expected, "${broker}" found`);
  return brokers;
}

/** The configuration of every connection we make. Credentials come from KAFKA_SASL_MECHANISM, _USERNAME, _PASSWORD and KAFKA_SSL=true. */
export function connectionConfig({ brokers, clientId, log = silentLog, env = process.env }: ConnectionOptions): KafkaConfig {
  const sasl = saslFrom(env);
  return {
    brokers: [...brokers],
    clientId,
    requestTimeout: REQUEST_TIMEOUT_MS,
    enforceRequestTimeout: true,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    authenticationTimeout: REQUEST_TIMEOUT_MS,
    retry: CLIENT_RETRY,
    socketFactory,
    logLevel: kafkajs.logLevel.WARN, // its debug level builds an object for each request
    logCreator: () => bridge(log),
    ...(env['KAFKA_SSL'] === 'true' ? { ssl: true } : {}),
    ...(sasl ? { sasl } : {}),
  };
}

function saslFrom(env: NodeJS.ProcessEnv): SASLOptions | undefined {
  const mechanism = env['KAFKA_SASL_MECHANISM']?.toLowerCase();
  if (!mechanism) return undefined;
  if (mechanism !== 'plain' && mechanism !== 'scram-sha-256' && mechanism !== 'scram-sha-512')
    throw new Error(`KAFKA_SASL_MECHANISM: plain, scram-sha-256 or scram-sha-512 expected, "${mechanism}" found`);
  const username = env['KAFKA_SASL_USERNAME'];
  const password = env['KAFKA_SASL_PASSWORD'];
  if (!username || !password) throw new Error(`KAFKA_SASL_MECHANISM is ${mechanism}: KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD expected`);
  // One object per mechanism, because that is how kafkajs types them.
  if (mechanism === 'plain') return { mechanism, username, password };
  return mechanism === 'scram-sha-256' ? { mechanism, username, password } : { mechanism, username, password };
}

/**
 * kafkajs logs at error level what it then retries or throws at us anyway: each error answer, each failed attempt. Those are debug here;
 * nothing of the rest is louder than a warning, because we report what reaches us.
 */
const EXPECTED = /^Response |^Failed to send messages|^Limiting retries|ongoing transaction|write after end/;
/** Said by our own logger, or longer than they are worth. */
const OURS = new Set(['message', 'timestamp', 'logger', 'stack']);

function bridge(log: Log) {
  return ({ namespace, level, log: entry }: LogEntry): void => {
    const said: unknown = entry.message; // its broker pool logs the error itself
    const message = typeof said === 'string' ? said : messageOf(said);
    const details = Object.fromEntries(Object.entries(entry).filter(([name]) => !OURS.has(name)));
    if (EXPECTED.test(message) || said instanceof DisposedError) log.debug({ kafkajs: namespace, ...details }, message);
    else if (level !== kafkajs.logLevel.NOTHING) log.warn({ kafkajs: namespace, ...details }, message);
  };
}
