/** The simulator of libs/testing with the real decider and the real notary in it. */
import { wire } from '#adapters';
import { Coverage, examine, FakeEngine, History, type MakeOwner, noRefusals, SimulatedInputs } from '#testing';

import { LaneDecider } from '../../apps/decider/src/lane-decider.ts';
import { LaneNotary } from '../../apps/notary/src/lane-notary.ts';

const inputs = new SimulatedInputs();
const { birth, keys } = inputs.parties;

const decider: MakeOwner = ({ laneLog, log, nowMs, monotonicMs, onPoint }) =>
  new LaneDecider({
    ...{ laneLog, log, nowMs, monotonicMs, onPoint, birth, wire },
    ...{ topicPrefix: '', deciderSeed: inputs.parties.seedOf('decider'), engine: new FakeEngine(), checkBundle: noRefusals },
    ...{ onBatch: () => undefined, snapshotEveryEntries: 7 },
  });

const notary: MakeOwner = ({ laneLog, log, disk, onPoint }) => {
  const owner = new LaneNotary({ ...{ laneLog, log, onPoint, birth, keys }, topicPrefix: '', openGuard: disk.open });
  return { run: ({ lane, signal, ready }) => owner.run(lane, signal, ready) };
};

/** What is wrong with the history of this seed; nothing when it is sound. */
export async function faultsOf(seed: number, coverage: Coverage): Promise<{ faults: string[]; history: History }> {
  const history = new History({ seed, inputs, coverage, decider, notary });
  await history.run();
  if (history.defects.length > 0) return { faults: history.defects, history };
  const { faults, report } = await examine(history, inputs);
  coverage.count('histories');
  coverage.count('entries', report.entries);
  return { faults, history };
}
