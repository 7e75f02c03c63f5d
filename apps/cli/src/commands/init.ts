import { join } from 'node:path';

import type { Command } from 'commander';

import {
  BirthError,
  DEMO_ACTORS,
  DEMO_TENANTS,
  LANES_DEFAULT,
  LEDGER_NAME_DEFAULT,
  loadBundleFolder,
  openOrCreateHome,
  populateLedger,
  prepareLedger,
  repositoryRoot,
} from '#adapters';

import { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import { publicKeyFrom } from '../public-keys.ts';

interface Options {
  readonly name: string;
  readonly lanes: string;
  readonly prefix: string;
  readonly demo: boolean;
  readonly wait: string;
  readonly recoveryKey?: string;
}

export function register(program: Command): void {
  program
    .command('init')
    .description('make a ledger: keys, ledger.json, topics, its first record on every lane, policy, two demo tenants')
    .option('--name <name>', 'public, part of every origin: best a domain name of yours', LEDGER_NAME_DEFAULT)
    .option('--lanes <n>', 'partitions of every topic, fixed for ever', String(LANES_DEFAULT))
    .option('--prefix <text>', "before every topic's name", '')
    .option('--recovery-key <base64>', 'public key of a pair that is kept offline (key draw): rotates keys that are lost or stolen')
    .option('--no-demo', 'without the standard policy and the tenants acme and globex')
    .option('--wait <seconds>', 'for a decider to confirm', '30')
    .action(async (options: Options, command: Command) => {
      await init(new Context(command), options);
    });
}

/** Run again it goes on where it stopped. */
async function init(context: Context, { name, lanes, prefix, demo, wait, recoveryKey: given }: Options): Promise<void> {
  const count = Number(lanes);
  if (!Number.isInteger(count) || count < 1) throw new CliError(`--lanes: expected a positive integer, got ${lanes}`);
  const recoveryKey = given === undefined ? undefined : publicKeyFrom(given, '--recovery-key');
  const { home, created } = openOrCreateHome(context.folder, { name, lanes: count, topicPrefix: prefix, recoveryKey });
  if (recoveryKey && home.birth().recovery?.keyid !== recoveryKey.keyid)
    throw new CliError(`${home.folder}: this ledger was born with another recovery key, or with none: it is pinned for ever`);
  const ledger = { name: home.config.name, lanes: home.config.lanes, folder: home.folder, created };
  const brokers = context.brokersIfKnown;
  if (!brokers) {
    context.print(
      `Ledger ${ledger.name}: keys and ledger.json in ${home.folder}. No Kafka broker is known yet; npm start goes on from here.`,
      ledger,
    );
    return;
  }
  await prepareLedger(home, brokers);
  if (demo) {
    const bundle = loadBundleFolder(join(repositoryRoot(), 'policies', 'standard'));
    const onProgress = (line: string): void => {
      context.note(line);
    };
    try {
      await populateLedger(home, brokers, {
        tenants: DEMO_TENANTS,
        actors: DEMO_ACTORS,
        bundle,
        withinMs: Number(wait) * 1000,
        onProgress,
      });
    } catch (error) {
      throw error instanceof BirthError ? new CliError(error.message) : error;
    }
  }
  context.print(`Ledger ${ledger.name}: ${ledger.lanes} lanes, keys and ledger.json in ${home.folder}`, {
    ...ledger,
    tenants: demo ? DEMO_TENANTS : [],
  });
}
