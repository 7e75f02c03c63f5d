/** Everything of a laptop in one process: the broker as a child, then notary, decider and gateway. */
import { createServer } from 'node:net';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { chooseBroker, Home, killStartingBroker, openOrCreateHome, prepareLedger, repositoryRoot, topicPrefixFor } from '#adapters';

import { start as startDecider } from '../../decider/src/app.ts';
import { start as startGateway } from '../../gateway/src/app.ts';
import { start as startNotary } from '../../notary/src/app.ts';
import type { Health } from '../../kit/src/index.ts';
import { lockFolder } from './folder-lock.ts';
import type { StartOptions } from './options.ts';
import { say, step } from './say.ts';

/** Unit ms. Of the ten seconds that a stop may take, the rest is the broker's. */
const APPS_STOP_MAX_MS = 3500;

export interface System {
  readonly home: Home;
  readonly brokers: readonly string[];
  readonly created: boolean;
  readonly port: number;
  /** Of the gateway's readiness and metrics. */
  readonly operatorPort: number;
  /** Of each service, by its name. */
  readonly health: ReadonlyMap<string, Health>;
}

interface Part {
  readonly name: string;
  readonly close: () => Promise<void> | void;
}

/** What was started, in order; stopped in the reverse of it. */
export class Running {
  readonly #apps: Part[] = [];
  readonly #health = new Map<string, Health>();
  readonly #below: Part[] = [];
  /** Resolves, with what to tell people, when a part cannot go on by itself: a service has lost its consumer group for good, the broker has ended. */
  readonly fatal: Promise<string>;
  readonly #lost: (why: string) => void;
  /** While the broker is being started, and nobody can stop it but by its process id. */
  #brokerFolder: string | undefined;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.fatal = promise;
    this.#lost = resolve;
  }

  /** On an error part of the system runs: call `stop`. */
  async start(options: StartOptions): Promise<System> {
    const { folder } = options;
    const release = lockFolder(folder);
    this.#below.push({ name: 'lock', close: release });
    const port = await freePort(options); // first: the clearest errors are the early ones
    const root = repositoryRoot();
    this.#brokerFolder = join(folder, 'kafka');
    const log = (line: string): void => {
      say(`  ${line}`);
    };
    const broker = await step('starting the broker', () => chooseBroker({ env: process.env, dataDir: join(folder, 'kafka'), root, log }));
    this.#brokerFolder = undefined;
    this.#below.push({ name: 'broker', close: () => broker.stop() });
    // Nothing else would start it again: services that look for it for hours help nobody.
    void broker.ended?.then((lastWords) => {
      this.#lost(`the broker has ended by itself; its last words are in ${lastWords}`);
    });
    say(broker.line);
    const { brokers } = broker;
    const note = join(folder, 'broker.json'); // where the command line finds the broker
    writeFileSync(note, `${JSON.stringify({ brokers })}\n`);
    this.#below.push({
      name: 'broker.json',
      close: () => {
        rmSync(note, { force: true });
      },
    });

    const topicPrefix = Home.exists(folder) ? '' : await topicPrefixFor(brokers);
    const { home, created } = openOrCreateHome(folder, { topicPrefix });
    if (created) say(`Ledger ${home.config.name}: ${home.config.lanes} lanes, keys and ledger.json in ${folder}`);
    await step('preparing topics', () => prepareLedger(home, brokers));

    const shared = { home, brokers: [...brokers] };
    await this.#app('notary', () => startNotary({ ...shared, port: 0 }));
    await this.#app('decider', () => startDecider({ ...shared, port: 0 }));
    const gateway = await this.#app('gateway', () => startGateway({ ...shared, port, indexFolder: join(folder, 'index') }));
    return { home, brokers, created, port: gateway.port, operatorPort: gateway.operator.port, health: this.#health };
  }

  /** Never throws; false when something did not end as it should. */
  async stop(): Promise<boolean> {
    if (this.#brokerFolder !== undefined) killStartingBroker(this.#brokerFolder);
    const apps = closeAll(this.#apps);
    const inTime = await Promise.race([apps, later(APPS_STOP_MAX_MS).then(() => false)]);
    return (await closeAll(this.#below)) && inTime;
  }

  async #app<T extends { close(): Promise<void>; readonly port: number; readonly health: Health; readonly fatal?: Promise<unknown> }>(
    name: string,
    start: () => Promise<T>,
  ): Promise<T> {
    const app = await step(`starting the ${name}`, start);
    this.#apps.push({ name, close: () => app.close() });
    this.#health.set(name, app.health);
    void app.fatal?.then((error) => {
      this.#lost(`the ${name} cannot go on: ${error instanceof Error ? error.message : String(error)}`);
    });
    return app;
  }
}

async function closeAll(parts: Part[]): Promise<boolean> {
  let good = true;
  for (const { name, close } of parts.splice(0).toReversed()) {
    try {
      await close();
    } catch (error) {
      good = false;
      process.stderr.write(`${name} did not close: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
  return good;
}

const later = (ms: number): Promise<void> =>
  new Promise((done) => {
    setTimeout(done, ms).unref();
  });

/** The wanted port, or another one when it is in use and was not asked for by name. */
async function freePort({ port, portGiven }: StartOptions): Promise<number> {
  if (await isFree(port)) return port;
  if (portGiven) throw new Error(`port ${port} is in use: stop what listens there, or choose another one with --port`);
  say(`Port ${port} is in use: taking another one`);
  return 0;
}

function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  return new Promise((done) => {
    probe.once('error', () => {
      done(false);
    });
    probe.listen(port, '127.0.0.1', () => {
      probe.close(() => {
        done(true);
      });
    });
  });
}
