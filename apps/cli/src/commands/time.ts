import type { Command } from 'commander';

import { correctTime, type LaneTimes, readLaneTimes, readLastDecidedMs } from '#adapters';
import { CLOCK_DIFFERENCE_MAX_MS, formatTime } from '#domain';

import { Context } from '../context.ts';
import { CliError, INVALID, VALID } from '../errors.ts';
import { enter } from '../every-lane.ts';
import { apart, clockFault } from '../lane-clocks.ts';

interface Options {
  readonly lane?: string;
}

export function register(program: Command): void {
  const time = program
    .command('time')
    .description("each lane's time beside the broker's clock and this host's: exit code 1 when a lane cannot decide because of them")
    .option('--lane <n>', 'of one lane only')
    .action(async (options: Options, command: Command) => {
      process.exitCode = await show(new Context(command), options);
    });
  time
    .command('set-back')
    .description("set a lane's time back to the clocks', once they are right: what was asked or signed before that is over")
    .action(async (_options: unknown, command: Command) => {
      await setBack(new Context(command), command.optsWithGlobals<Options>());
    });
}

async function show(context: Context, { lane }: Options): Promise<number> {
  const lanes = lane === undefined ? Array.from({ length: context.home.config.lanes }, (_, at) => at) : [laneOf(context, lane)];
  const shown = [];
  for (const each of lanes) {
    const times = await read(context, each);
    shown.push({ ...textsOf(times), fault: clockFault(times, Date.now()) ?? null });
  }
  context.print(shown.map(lineOf).join('\n'), shown);
  return shown.every(({ fault }) => fault === null) ? VALID : INVALID;
}

async function setBack(context: Context, options: Options): Promise<void> {
  if (options.lane === undefined) throw new CliError('--lane: expected the lane whose time is set back');
  const lane = laneOf(context, options.lane);
  const laneMs = await lastDecidedMs(context, lane);
  const aheadMs = laneMs - Date.now();
  if (aheadMs <= CLOCK_DIFFERENCE_MAX_MS)
    throw new CliError(`lane ${lane}: its time is ${formatTime(laneMs)}, which is not ahead of this host's clock`, INVALID);
  await enter(context, [correctTime(context.home, { lane, laneTimeMs: laneMs })]);
  context.print(`lane ${lane}: its time was ${formatTime(laneMs)}, and is the clocks' again; what was asked or signed before is over`, {
    ...{ lane, laneTime: formatTime(laneMs), corrected: true },
  });
}

async function lastDecidedMs(context: Context, lane: number): Promise<number> {
  const reader = await context.openReader();
  try {
    return await readLastDecidedMs(context.home, reader, lane);
  } finally {
    await reader.close();
  }
}

const read = (context: Context, lane: number): Promise<LaneTimes> =>
  readLaneTimes(context.home, context.brokers, lane, context.progress(`lane ${lane}`));

function laneOf({ home: { config } }: Context, text: string): number {
  const lane = /^(0|[1-9]\d{0,2})$/.test(text) ? Number(text) : NaN;
  if (lane < config.lanes) return lane;
  throw new CliError(`--lane: expected 0 to ${config.lanes - 1}, got ${text}`);
}

const textsOf = ({ lane, laneMs, brokerMs, asked }: LaneTimes) => ({
  lane,
  laneTime: laneMs === 0 ? null : formatTime(laneMs),
  brokerTime: brokerMs === undefined ? null : formatTime(brokerMs),
  hostTime: formatTime(Date.now()),
  deciderDifferenceMs: asked ? asked.wallMs - asked.brokerMs : null,
});

function lineOf({
  lane,
  laneTime,
  brokerTime,
  hostTime,
  deciderDifferenceMs,
  fault,
}: ReturnType<typeof textsOf> & { fault: string | null }) {
  const decider = deciderDifferenceMs === null ? '' : `, the decider's clock ${apart(deciderDifferenceMs)} the broker's`;
  const last = `last decision ${laneTime ?? 'none'}, last record of the broker ${brokerTime ?? 'none'}`;
  return `lane ${lane}  ${fault === null ? 'ok' : 'CLOCK'}  ${last}, this host ${hostTime}${decider}${fault === null ? '' : `\n    ${fault}`}`;
}
