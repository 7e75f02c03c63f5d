import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Command } from 'commander';

import {
  attestedEntries,
  CedarEngine,
  examineLane,
  heldEntries,
  LaneReader,
  PlainWriter,
  publishRestored,
  publishVoids,
  RecoverError,
  type Recovery,
  wire,
  writeTail,
} from '#adapters';
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
  readonly receipts?: string;
  readonly ledgerIsFalse: boolean;
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
    .option('--receipts <dir>', 'with *.tlog-proof files that people hold, when the topic receipts has lost them too')
    .option(
      '--ledger-is-false',
      'people have found that the receipts are the true history: what contradicts them on the ledger is declared void, with all behind it',
      false,
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
    const attested = await attestedEntries(home, brokers, lane);
    const systemVkey = birth.systemLogs.find((log) => log.lane === lane)?.vkey ?? '';
    const found = await examineLane({
      ...{ reader, birth, lane, wire, engine: new CedarEngine() },
      topicName: (name) => home.topic(name),
      attested,
      held: heldEntries(receiptsIn(options.receipts), { systemVkey, known: attested }),
      isLedgerFalse: options.ledgerIsFalse,
      deciderSeed: home.key('decider'),
    });
    if (options.apply) await apply(context, lane, found, options);
    tell(context, lane, found, options.apply);
    return isWhole(found) || options.apply ? VALID : INVALID;
  } catch (error) {
    if (error instanceof RecoverError) throw new CliError(`${error.code}: ${error.message}`, INVALID);
    throw error;
  } finally {
    await reader.close();
  }
}

const isWhole = ({ ranges, tail }: Recovery): boolean => ranges.length === 0 && tail.length === 0;

/** What is signed comes first: what is made again stands behind it. */
async function apply(
  { home, brokers }: Context,
  lane: number,
  { ranges, tail, undated }: Recovery,
  { why, recovery }: Options,
): Promise<void> {
  if (ranges.length > 0 || undated) {
    const birth = home.birth();
    const seed = recovery === undefined ? home.key('admin') : seedFrom('--recovery', recovery);
    const keyid = keyIdOf(ed25519PublicKey(seed));
    if (![birth.admin, birth.recovery].some((key) => key?.keyid === keyid))
      throw new CliError(
        `key ${keyid} is neither the admin key that the ledger was born with nor its recovery key: --recovery names a file`,
      );
    const writer = PlainWriter.open({ brokers, clientId: 'countersign-recover' });
    try {
      const voids = ranges.map((range) => ({ ...range, why }));
      await publishVoids(writer, home.topic('checkpoints'), voids, { birth, seed });
      if (undated) await publishRestored(writer, home.topic('checkpoints'), { ...undated, why }, { birth, seed });
    } finally {
      await writer.close();
    }
  }
  if (tail.length > 0) await writeTail(home, brokers, lane, tail);
}

function tell(context: Context, lane: number, found: Recovery, isDone: boolean): void {
  const { ranges, tail, held } = found;
  const lost = tail.reduce((sum, { entries }) => sum + entries, 0);
  const voids = ranges.map(({ from, to }) => ({ from: String(from), to: String(to) }));
  const json = { lane, applied: isDone, entries: held, lost, voids };
  if (isWhole(found)) {
    const elsewhere = 'Where a service says CLOCK, INPUT_GAP or BLOCKED: countersign doctor names the command, docs/runbooks the way out';
    const whole = `lane ${lane}: ${held} entries, one chain as far as it was attested; nothing on the ledger is in its way`;
    context.print(`${whole}\n${elsewhere}`, json);
    return;
  }
  const lines = [
    `lane ${lane}: the ledger holds ${held} entries that form one chain`,
    ...ranges.map(({ from, to }) => `  offsets ${from} to ${to - 1n}: written by no decider of this ledger`),
    ...(lost > 0 ? [`  ${lost} entries behind them are attested and lost; decided again, each comes out byte for byte`] : []),
    isDone
      ? 'Done: what was foreign is declared void, and what was lost is on the ledger again. Start decider, notary and gateway again.'
      : 'Nothing was done. With --apply what is foreign is declared void, signed, and what was lost is written again.',
  ];
  context.print(lines.join('\n'), json);
}

function receiptsIn(folder: string | undefined): { name: string; proof: Uint8Array }[] {
  if (folder === undefined) return [];
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith('.tlog-proof'));
    return names.map((name) => ({ name, proof: readFileSync(join(folder, name)) }));
  } catch (error) {
    throw new CliError(`--receipts: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function laneFrom({ home }: Context, text: string): number {
  const lane = /^(0|[1-9]\d*)$/.test(text) ? Number(text) : NaN;
  if (lane < home.config.lanes) return lane;
  throw new CliError(`--lane: expected 0 to ${home.config.lanes - 1}, got ${text}`);
}
