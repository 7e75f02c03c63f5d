import type { Command } from 'commander';

import { findForeign, type Foreign, LaneReader, PlainWriter, publishVoids, RecoverError, wire } from '#adapters';
import { ed25519PublicKey } from '#crypto';
import { keyIdOf, LABEL_MAX } from '#domain';

import { Context } from '../context.ts';
import { CliError, INVALID, VALID } from '../errors.ts';
import { seedFrom } from '../signed.ts';

interface Options {
  readonly lane: string;
  readonly why: string;
  readonly apply: boolean;
  readonly recovery?: string;
}

export function register(program: Command): void {
  program
    .command('recover')
    .description('what halts a lane, and with --apply the way out: docs/runbooks say what is lost and what stays provable')
    .requiredOption('--lane <n>', 'the partition')
    .option('--why <text>', `for people, at most ${LABEL_MAX} characters`, 'countersign recover')
    .option('--apply', 'do it; without it, only say what would be done', false)
    .option(
      '--recovery <file>',
      "with the recovery key's 32 bytes in base64: sign with it, when the admin key of the ledger's birth is gone",
    )
    .action(async (options: Options, command: Command) => {
      process.exitCode = await recover(new Context(command), options);
    });
}

async function recover(context: Context, options: Options): Promise<number> {
  const { home, brokers } = context;
  const lane = laneFrom(context, options.lane);
  if (options.why.length > LABEL_MAX) throw new CliError(`--why: at most ${LABEL_MAX} characters`);
  const reader = await LaneReader.open({ brokers, clientId: 'countersign-recover' });
  try {
    const birth = home.birth();
    const found = await findForeign({ reader, birth, lane, topicName: (name) => home.topic(name), wire });
    if (options.apply) await apply(context, found, options);
    tell(context, lane, found, options.apply);
    return found.ranges.length === 0 || options.apply ? VALID : INVALID;
  } catch (error) {
    if (error instanceof RecoverError) throw new CliError(`${error.code}: ${error.message}`, INVALID);
    throw error;
  } finally {
    await reader.close();
  }
}

async function apply({ home, brokers }: Context, { ranges }: Foreign, { why, recovery }: Options): Promise<void> {
  if (ranges.length === 0) return;
  const birth = home.birth();
  const seed = recovery === undefined ? home.key('admin') : seedFrom('--recovery', recovery);
  const keyid = keyIdOf(ed25519PublicKey(seed));
  if (![birth.admin, birth.recovery].some((key) => key?.keyid === keyid))
    throw new CliError(`key ${keyid} is neither the admin key that the ledger was born with nor its recovery key: --recovery names a file`);
  const writer = PlainWriter.open({ brokers, clientId: 'countersign-recover' });
  try {
    const voids = ranges.map((range) => ({ ...range, why }));
    await publishVoids(writer, home.topic('checkpoints'), voids, { birth, seed });
  } finally {
    await writer.close();
  }
}

function tell(context: Context, lane: number, { ranges, heads }: Foreign, isDone: boolean): void {
  const json = {
    lane,
    applied: isDone,
    entries: heads.nextSeq,
    voids: ranges.map(({ from, to }) => ({ from: String(from), to: String(to) })),
  };
  if (ranges.length === 0) {
    context.print(`lane ${lane}: ${heads.nextSeq} entries, one chain; no record of the ledger is in its way`, json);
    return;
  }
  const lines = ranges.map(({ from, to }) => `  offsets ${from} to ${to - 1n}: written by no decider of this ledger`);
  const next = isDone
    ? 'declared void. Start decider, notary and gateway again: they go on behind them'
    : 'nothing was done. With --apply they are declared void, signed, and readers go on behind them';
  context.print([`lane ${lane}: ${heads.nextSeq} entries form one chain, and in its way are`, ...lines, `${next}.`].join('\n'), json);
}

function laneFrom({ home }: Context, text: string): number {
  const lane = /^(0|[1-9]\d*)$/.test(text) ? Number(text) : NaN;
  if (lane < home.config.lanes) return lane;
  throw new CliError(`--lane: expected 0 to ${home.config.lanes - 1}, got ${text}`);
}
