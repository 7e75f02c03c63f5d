import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type EmbeddedBroker, startEmbeddedBroker } from '../../libs/adapters/src/broker/embedded.ts';
import { connectionConfig } from '../../libs/adapters/src/kafka/client.ts';
import { kafkajs } from '../../libs/adapters/src/kafka/patch.ts';
import { findJdk, produceWithJava, type JavaRecord } from '../support/java/produce.ts';
import { client } from '../support/kafka.ts';
import { canStartBroker, NEEDS_JAVA } from '../support/own-broker.ts';
import { LANE, told, World } from '../support/world.ts';

const jdk = await findJdk();

/** On a broker of its own, with the heap that every embedded broker has: a bomb must not hurt other tests. */
describe.skipIf(jdk === undefined || !canStartBroker)(
  `compressed input (needs a JDK, for the codecs that kafkajs lacks; ${NEEDS_JAVA})`,
  () => {
    let dataDir: string;
    let broker: EmbeddedBroker;
    let world: World;

    beforeAll(async () => {
      dataDir = mkdtempSync(join(tmpdir(), 'countersign-broker-'));
      broker = await startEmbeddedBroker({ dataDir });
      world = await World.open(broker.brokers, 'compressed');
    });
    afterAll(async () => {
      await world.close();
      await broker.stop();
      rmSync(dataDir, { recursive: true });
    });

    it('with any codec, and dated 1970, is normalised by the broker and decided like any other', async () => {
      const dated = (codec: JavaRecord['codec'], timestampMs = Date.now()): JavaRecord => ({ codec, timestampMs, value: world.value() });
      const records = [dated('zstd'), dated('lz4'), dated('snappy'), dated('gzip'), dated('none', 0), dated('zstd', 0)];
      const to = { brokers: world.brokers, topic: world.home.topic('actions'), partition: LANE };
      const offsets = await produceWithJava(jdk ?? '', to, records);
      for (const offset of offsets) {
        expect(told(await world.receiptOf({ topic: 'actions', lane: LANE, offset }))).toBe('ALLOW ALLOW_POLICY');
      }
      expect(offsets.length).toBe(records.length);
      const values = (await world.read('actions')).map(({ value }) => value?.toString('base64'));
      expect(values).toEqual(records.map(({ value }) => Buffer.from(value).toString('base64')));
    });

    it('that is a bomb, 200 MB of zeros under 1 MiB, gets a produce error and no offset; broker and lane go on', async () => {
      const before = (await world.read('actions')).length;
      const { Kafka, CompressionTypes } = kafkajs;
      const retry = { retries: 0 };
      const producer = new Kafka({ ...connectionConfig(client(world.brokers)), requestTimeout: 60_000, retry }).producer({ retry });
      await producer.connect();
      const messages = [{ partition: LANE, value: Buffer.alloc(200 * 1024 * 1024) }];
      const bomb = producer.send({ topic: world.home.topic('actions'), compression: CompressionTypes.GZIP, messages });
      await expect(bomb).rejects.toThrow();
      await producer.disconnect();
      expect(told(await world.receiptOf(await world.propose()))).toBe('ALLOW ALLOW_POLICY');
      expect((await world.read('actions')).length).toBe(before + 1);
    });

    it('leaves a valid ledger', () => world.expectValid());
  },
);
