import { describeLogContract } from './log-contract.ts';
import { MemoryBroker } from './memory-broker.ts';
import { memoryLaneLog } from './memory-log.ts';
import { promptNetwork } from './prompt-network.ts';

describeLogContract('the log in memory', () => {
  const broker = new MemoryBroker(Date.now);
  let count = 0;
  const unique = (word: string): string => `${word} ${count++}`;
  return {
    laneLog: memoryLaneLog(broker, promptNetwork(broker)),
    unique,
    createTopic: (partitions = 1) => {
      const topic = unique('topic');
      broker.create(topic, partitions, { isStamped: true });
      return Promise.resolve(topic);
    },
  };
});
