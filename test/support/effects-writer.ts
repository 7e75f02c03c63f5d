/** An executor in a process of its own, whose effect is one line in a file: which claim was carried out, for which action. */
import { appendFileSync } from 'node:fs';

import { openExecutor } from '#sdk';

import { LOST, REFUSED } from './exit-codes.ts';

/** Of any executor in a process of its own. */
export interface ExecutorProcessOptions {
  readonly brokers: readonly string[];
  readonly birth: string;
  readonly tenant: string;
  readonly trust: string;
  readonly lanes: number;
  readonly topicPrefix: string;
  /** Hex. */
  readonly seed: string;
  readonly store: string;
}

export interface EffectsWriterOptions extends ExecutorProcessOptions {
  readonly from: 'now' | 'start';
  /** File of the effects. Lines are appended whole. */
  readonly effects: string;
}

/** The permit obliges to a hash of the state. */
const NO_STATE = '0'.repeat(64);
const { seed, effects, ...given } = JSON.parse(process.env['EXECUTOR'] ?? '') as EffectsWriterOptions;
function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
try {
  const executor = await openExecutor({
    ...given,
    issuer: 'crm-writer',
    seed: Buffer.from(seed, 'hex'),
    atOnce: 4,
    handlers: {
      crm: {
        'update-record': {
          before: () => NO_STATE,
          after: () => NO_STATE,
          run: ({ claim, actionId }) => {
            appendFileSync(effects, `${claim} ${actionId}\n`);
          },
        },
      },
    },
    onNotice: ({ code, actionId, detail }) => {
      say(`${code} ${actionId} ${detail}`);
    },
  });
  say('up');
  process.on('SIGTERM', () => {
    void executor.close().then(() => {
      say('closed');
    });
  });
  await executor.done.catch(async (error: unknown) => {
    say(`lost: ${String(error)}`);
    process.exitCode = LOST;
    await executor.close();
  });
} catch (error) {
  say(`refused: ${String(error)}`);
  process.exitCode = REFUSED;
}
