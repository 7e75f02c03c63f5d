import { createLogger } from './logging.ts';
import { type Running, runUntilSignal } from './run-until-signal.ts';

/**
 * The life of a service's process. What keeps it from starting (a missing or wrong key, a setting, a port in use) is one line with its code and
 * what to do; the process ends with 1. Only a defect of ours has a stack trace.
 */
export async function serve(name: string, start: () => Promise<Running>): Promise<void> {
  let app: Running;
  try {
    app = await start();
  } catch (error) {
    const log = createLogger(name);
    log.fatal({ code: codeOf(error), ...(isDefect(error) ? { err: error } : {}) }, `the ${name} cannot start: ${messageOf(error)}`);
    process.exit(1); // what was opened already must not keep it alive
  }
  await runUntilSignal(app);
}

const isDefect = (error: unknown): boolean => error instanceof TypeError || error instanceof ReferenceError || !(error instanceof Error);
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'START_FAILED';
