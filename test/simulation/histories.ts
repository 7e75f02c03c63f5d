/** The simulator of libs/testing with the real decider and the real notary in it. */
import { wire } from '#adapters';
import type { Predicate } from '#domain';
import {
  Coverage,
  examine,
  FakeEngine,
  live,
  liveBeginnings,
  loseLedgerTail,
  type MakeOwner,
  noRefusals,
  SimulatedInputs,
  type SimulatedWorld,
} from '#testing';

import { LaneDecider } from '../../apps/decider/src/lane-decider.ts';
import { LaneNotary } from '../../apps/notary/src/lane-notary.ts';

const inputs = new SimulatedInputs();
const { birth, keys } = inputs.parties;
const [deciderSeed = new Uint8Array(), ...further] = inputs.parties.holdersOf('decider', 2).map((holder) => inputs.parties.seedOf(holder));

/** Several to a snapshot of these small lanes. */
const SNAPSHOT_CHUNK_BYTES = 500;

const decider: MakeOwner = ({ laneLog, log, nowMs, monotonicMs, sleep, onPoint, snapshotEveryEntries }) =>
  new LaneDecider({
    ...{ laneLog, log, nowMs, monotonicMs, sleep, onPoint, snapshotEveryEntries, birth, wire, deciderSeed },
    furtherSeeds: () => further,
    ...{
      snapshotChunkBytes: SNAPSHOT_CHUNK_BYTES,
      topicPrefix: '',
      engine: new FakeEngine(),
      checkBundle: noRefusals,
      onBatch: () => undefined,
    },
  });

const notary: MakeOwner = ({ laneLog, log, disk, onPoint }) => {
  const owner = new LaneNotary({ laneLog, log, onPoint, birth, keys, topicPrefix: '', openGuard: disk.open });
  return { run: ({ lane, signal, ready }) => owner.run(lane, signal, ready) };
};

/** One history in so many ends with a ledger that loses its end. */
const TAIL_LOST_ONE_IN = 8;
let beginnings: Promise<SimulatedWorld[]> | undefined;

export interface Told {
  /** What is wrong with it; nothing when it is sound. */
  readonly faults: readonly string[];
  readonly trace: readonly string[];
}

/** The history of one seed, told from its beginning to the one checker's word on it. */
export async function tell(seed: number, coverage: Coverage): Promise<Told> {
  const options = { inputs, coverage, decider, notary };
  beginnings ??= liveBeginnings({ ...options, coverage: new Coverage() });
  const worlds = await beginnings;
  const after = worlds[seed % (worlds.length + 1)]; // one in so many begins before the lane's first record
  const world = await live({ ...options, seed, after });
  const { trace } = world.scheduler;
  if (world.defects.length > 0) return { faults: world.defects, trace };
  const { faults, report, entries } = await examine(world, inputs);
  if (faults.length === 0 && world.choices.chance(1 / TAIL_LOST_ONE_IN)) faults.push(...(await loseLedgerTail(world)));
  coverage.count('histories');
  coverage.count('entries', report.entries);
  coverage.count('erased', report.erased);
  for (const { kind, predicate } of entries) for (const what of wordsOf(predicate)) coverage.count(`${kind} ${what}`.trim());
  return { faults, trace };
}

/** What an entry says in one word each; '' is its kind alone. */
function wordsOf({ reasons, outcome, status, detail, level, vote, late }: Predicate): string[] {
  const words = [...(Array.isArray(reasons) ? reasons : []), outcome, status, detail, level, vote, late === true ? 'late' : undefined];
  return ['', ...words.filter((word) => typeof word === 'string')];
}
