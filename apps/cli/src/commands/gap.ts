import type { Command } from 'commander';

import { declareGap } from '#adapters';

import { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import { enter } from '../every-lane.ts';

const TOPICS = ['actions', 'outcomes'] as const;
interface Options {
  readonly topic: string;
  readonly lane: string;
  readonly from: string;
  readonly to: string;
  readonly epoch: string;
}

export function register(program: Command): void {
  program
    .command('gap')
    .description('declare that input is gone for good, so that a lane that waits for it goes on; the ledger refuses what does not fit')
    .requiredOption('--topic <name>', 'actions or outcomes')
    .requiredOption('--lane <n>', 'the partition')
    .requiredOption('--from <offset>', 'first one missing: what the decider said that it waits for')
    .requiredOption('--to <offset>', 'first one that is there again')
    .requiredOption('--epoch <n>', 'as the decider said; one more when the topic was made anew')
    .action(async (options: Options, command: Command) => {
      await gap(new Context(command), options);
    });
}

async function gap(context: Context, { topic: asked, lane: laneText, from, to, epoch }: Options): Promise<void> {
  const { home } = context;
  const topic = TOPICS.find((name) => name === asked);
  if (!topic) throw new CliError(`--topic: expected ${TOPICS.join(' or ')}, got ${asked}`);
  const lane = whole('--lane', laneText);
  if (lane >= home.config.lanes) throw new CliError(`--lane: expected 0 to ${home.config.lanes - 1}, got ${laneText}`);
  const declared = { from: BigInt(whole('--from', from)), to: BigInt(whole('--to', to)), epoch: whole('--epoch', epoch) };
  await enter(context, [declareGap(home, { topic, lane, ...declared })]);
  context.print(`${topic}/${lane}: ${from} to ${to} declared missing, the lane goes on at ${to} in epoch ${epoch}`, {
    ...{ topic, lane, from, to },
    epoch: declared.epoch,
  });
}

function whole(option: string, text: string): number {
  const value = /^(0|[1-9]\d*)$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new CliError(`${option}: expected a whole number, 0 or more, got ${text}`);
}
