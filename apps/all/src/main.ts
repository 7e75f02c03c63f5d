/** `npm start`: a broker, a ledger and every service; a tour on an empty ledger; then until Ctrl-C. */
import { join } from 'node:path';

import { DEMO_ACTORS, DEMO_TENANTS, loadBundleFolder, populateLedger, repositoryRoot } from '#adapters';

import { troubleLines, troubles } from './standing.ts';
import { printGoodbye, printWelcome } from './next-steps.ts';
import { parseOptions, type StartOptions, USAGE } from './options.ts';
import { say, step } from './say.ts';
import { Running } from './system.ts';
import { runTour } from './tour/run-tour.ts';

/** Unit ms. Ctrl-C ends everything in this time, the broker too. */
const STOP_MAX_MS = 9500;
/** Unit ms. The decider has only just started; a broker that recovers after a kill takes seconds. */
const CONFIRM_MAX_MS = 60_000;

// People watch this terminal; whoever wants the services' logs asks for them.
process.env['LOG_LEVEL'] ??= 'warn';

const running = new Running();
let stopping: Promise<void> | undefined;
/** Ctrl-C reaches every process of the terminal's group and npm forwards it once more: only the first one counts. */
const stop = (why: string, code: number): Promise<void> =>
  (stopping ??= (async () => {
    const guard = setTimeout(() => process.exit(code === 0 ? 1 : code), STOP_MAX_MS);
    const good = await running.stop();
    clearTimeout(guard);
    printGoodbye(why);
    process.exit(good ? code : 1);
  })());
void running.fatal.then((why) => {
  if (stopping === undefined) process.stderr.write(`countersign: ${why}: start again, it goes on from the ledger\n`);
  return stop('a failure', 1);
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => void stop(signal, 0));
}

try {
  const options = parseOptions(process.argv.slice(2), process.env);
  if (options === 'help') {
    say(USAGE);
    process.exit(0);
  }
  const good = await start(options);
  if (options.exit) await stop('--exit', good ? 0 : 1);
} catch (error) {
  // While stopping, whatever was being started fails: that is no news.
  if (stopping === undefined) {
    process.stderr.write(`countersign: ${error instanceof Error ? error.message : String(error)}\n`);
    if (process.env['LOG_LEVEL'] === 'debug') console.error(error);
  }
  await stop('a failed start', 1);
}

async function start(options: StartOptions): Promise<boolean> {
  const system = await running.start(options);
  const { home, brokers, health } = system;
  const lines = troubleLines(await step('taking over the lanes', () => troubles(health)));
  const bundle = loadBundleFolder(join(repositoryRoot(), 'policies', 'standard'));
  const onProgress = (line: string): void => {
    say(`  ${line}`);
  };
  if (lines.length > 0) {
    for (const line of lines) say(line);
    say('A lane in trouble is not served, the others are. npx countersign doctor says more, docs/runbooks says what to do.');
    if (!options.exit) printWelcome(system);
    return false; // neither populated nor toured: what waits for a lane that is halted waits for ever
  }
  const made = await step('asking the decider for policy and tenants', () =>
    populateLedger(home, brokers, { tenants: DEMO_TENANTS, actors: DEMO_ACTORS, bundle, withinMs: CONFIRM_MAX_MS, onProgress }),
  );
  if (made > 0) say(`Tenants ${DEMO_TENANTS.join(' and ')}, policy bundle "${bundle.name}": on the ledger (${made} signed controls)`);
  const good = await runTour(home, brokers, options.exit);
  if (!options.exit) printWelcome(system);
  return good;
}
