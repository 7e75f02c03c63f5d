/** What a lane's clocks said last, from the topics alone: docs/time.md. */
import { parseStatement, parseTime } from '#domain';

import { type FollowedEntry, LedgerFollower } from '../births/follow.ts';
import type { Home } from '../home/home.ts';
import { type KafkaRecord, LaneReader, type LogReader } from '../kafka/index.ts';
import { codecs, wire } from '../wire/codec.ts';

/** On `decider-state`: what a lane's owner asks the broker's time with. Compaction keeps the latest. */
export const CLOCK_KEY = 'clock';
/** Offsets from the end on `decider-state`: while a lane is held its owner asks for the time each second, so the answer is among the last ones. */
const LOOK_BACK = 64n;

/** Unit ms throughout, POSIX. */
export interface LaneTimes {
  readonly lane: number;
  /** Latest `decidedAt` since the lane's time was last corrected; 0 before the first entry. */
  readonly laneMs: number;
  /** The newest time that the broker gave a record of the lane; undefined before the first. */
  readonly brokerMs: number | undefined;
  /** What the owner's wall clock and the broker's said when it last asked; undefined when that is long ago. */
  readonly asked: { readonly wallMs: number; readonly brokerMs: number } | undefined;
}

/** Reads the lane's ledger from genesis. */
export async function readLaneTimes(
  home: Home,
  brokers: readonly string[],
  lane: number,
  onProgress?: (done: bigint, total: bigint) => void,
): Promise<LaneTimes> {
  const follower = await LedgerFollower.open(home, brokers, [lane]);
  let laneMs = 0;
  try {
    await follower.catchUp((entry) => (laneMs = laneTimeAfter(laneMs, entry)), onProgress);
  } finally {
    await follower.close();
  }
  return readClocks(home, brokers, { lane, laneMs });
}

/**
 * The lane's time as its last entry says it, which is the latest since it was corrected: one reading of the ledger's end. Nothing of it is
 * verified: the decider refuses a correction that names another time. 0 before the first entry.
 */
export async function readLastDecidedMs(home: Pick<Home, 'topic'>, reader: LogReader, lane: number): Promise<number> {
  const last = (await lastOf(reader, { topic: home.topic('ledger'), partition: lane }, LOOK_BACK)).at(-1);
  if (!last?.value) return 0;
  return parseTime(parseStatement(wire.decodeRecord(last.value).entry).statement.predicate.decidedAt);
}

/** The same where the lane's time is known already. */
export async function readClocks(
  home: Home,
  brokers: readonly string[],
  { lane, laneMs }: Pick<LaneTimes, 'lane' | 'laneMs'>,
): Promise<LaneTimes> {
  const reader = await LaneReader.open({ brokers, clientId: 'countersign-times' });
  try {
    const states = await lastOf(reader, { topic: home.topic('decider-state'), partition: lane }, LOOK_BACK);
    const ledger = await lastOf(reader, { topic: home.topic('ledger'), partition: lane }, LOOK_BACK);
    const newest = Math.max(...[...states, ...ledger].map(({ timestampMs }) => timestampMs));
    return { lane, laneMs, brokerMs: Number.isFinite(newest) ? newest : undefined, asked: askedOf(states) };
  } finally {
    await reader.close();
  }
}

/** As `evolve` has it. */
export function laneTimeAfter(laneMs: number, { kind, statement, record, lane }: FollowedEntry): number {
  const decidedAtMs = parseTime(statement.predicate.decidedAt);
  return kind === 'time.corrected' && record.tenant === `_system.${lane}` ? decidedAtMs : Math.max(laneMs, decidedAtMs);
}

/** The last committed records, from so many offsets before the end on. */
async function lastOf(reader: LogReader, of: { topic: string; partition: number }, back: bigint): Promise<KafkaRecord[]> {
  const [ends] = await reader.endOffsets([of]);
  if (!ends) return [];
  const found: KafkaRecord[] = [];
  for (let offset = ends.lastStable - back > ends.start ? ends.lastStable - back : ends.start; offset < ends.lastStable;) {
    const [fetched] = await reader.fetch([{ ...of, offset }]);
    if (fetched?.error) throw fetched.error;
    found.push(...(fetched?.records ?? []));
    offset = fetched?.nextOffset ?? ends.lastStable;
  }
  return found;
}

function askedOf(states: readonly KafkaRecord[]): LaneTimes['asked'] {
  const last = states.findLast(({ key, value }) => value !== null && key?.toString() === CLOCK_KEY);
  if (!last?.value) return undefined;
  try {
    return { wallMs: codecs.laneClock.decode(last.value).wallMs, brokerMs: last.timestampMs };
  } catch {
    return undefined; // whoever wrote it, it was no decider
  }
}
