export interface Running {
  close(): Promise<void>;
  /** Resolves when the application cannot go on: the process should end and be started anew. */
  readonly fatal?: Promise<unknown>;
}

/** Unit ms. A stop that takes longer is cut off. */
const STOP_MAX_MS = 10_000;

/**
 * Resolves once SIGINT or SIGTERM has come (or the application failed) and everything is closed. The only signal handler of a process:
 * Ctrl-C reaches every process of the terminal's group and npm forwards it once more, so a second signal changes nothing.
 */
export async function runUntilSignal(app: Running): Promise<void> {
  const why = await new Promise<string>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, resolve);
    void app.fatal?.then(() => {
      process.exitCode = 1;
      resolve('fatal');
    });
  });
  const guard = setTimeout(() => process.exit(1), STOP_MAX_MS);
  try {
    await app.close();
  } catch (error) {
    process.exitCode = 1;
    process.stderr.write(`${JSON.stringify({ level: 60, msg: `did not close after ${why}`, error: String(error) })}\n`);
  } finally {
    guard.unref(); // still there for whatever was left open and would keep the process
  }
}
