/**
 * A process that owns lanes: takes part in the group, and commits one record after the other on each lane it runs. Started by lease.spec.ts,
 * which kills and pauses it. Prints one JSON line for each thing that happens to it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { FencedError, LaneLeases, TransactionalWriter } from '../../libs/adapters/src/kafka/index.ts';

const { brokers, groupId, topic, lanes, name } = JSON.parse(process.argv[2] ?? '{}') as {
  brokers: string[];
  groupId: string;
  topic: string;
  lanes: number;
  name: string;
};
const say = (event: string, lane: number): void => {
  process.stdout.write(`${JSON.stringify({ event, lane })}\n`);
};

const leases = LaneLeases.start({
  brokers,
  clientId: name,
  groupId,
  topic,
  lanes,
  sessionTimeout: 1500,
  heartbeatInterval: 300,
  rebalanceTimeout: 3000,
  giveUpBackoff: 100,
  onAssigned: async (lane, signal) => {
    say('begins', lane);
    try {
      const writer = await TransactionalWriter.open({ brokers, clientId: name, transactionalId: `${groupId}.${lane}`, partitions: [] });
      while (!signal.aborted) {
        await writer.commit([{ topic, partition: lane, key: null, value: Buffer.from(name) }], 0);
        say('committed', lane);
        await delay(20);
      }
      await writer.close();
    } catch (error) {
      say(error instanceof FencedError ? 'fenced' : 'failed', lane);
      leases.giveUp(lane);
    }
    say('ends', lane);
  },
  onFatal: (error) => {
    process.stderr.write(`${String(error)}\n`);
    process.exit(1);
  },
});
process.once('SIGTERM', () => void leases.close().then(() => process.exit(0)));
