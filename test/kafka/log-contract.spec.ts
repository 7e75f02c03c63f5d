import { inject } from 'vitest';

import { kafkaLaneLog } from '#adapters';
import { describeLogContract } from '../../libs/testing/src/simulation/log-contract.ts';

import { client, createTopic, unique } from '../support/kafka.ts';

const brokers = inject('brokers');

describeLogContract('the log on Kafka', () => ({
  ...{ laneLog: kafkaLaneLog(client(brokers)), unique },
  createTopic: (partitions = 1) => createTopic(brokers, unique('topic'), partitions, { 'message.timestamp.type': 'LogAppendTime' }),
}));
