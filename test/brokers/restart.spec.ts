import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedBroker, startEmbeddedBroker } from '../../libs/adapters/src/broker/index.ts';
import {
  BrokerUnavailable,
  DisposedError,
  IndefiniteError,
  LaneReader,
  PlainWriter,
  TransactionalWriter,
} from '../../libs/adapters/src/kafka/index.ts';
import { client, createTopic, readAll, texts, until } from '../support/kafka.ts';
import { canStartBroker, NEEDS_JAVA } from '../support/own-broker.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'countersign-restart-'));
let broker: EmbeddedBroker;
describe.skipIf(!canStartBroker)(`a broker that is killed and started again (${NEEDS_JAVA})`, () => {
  beforeAll(async () => {
    broker = await startEmbeddedBroker({ dataDir });
  });
  afterAll(async () => {
    await broker.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const text = (value: string) => ({ topic: 'ledger', partition: 0, key: null, value: Buffer.from(value) });

  it('recovers from kill -9 in mid-transaction: typed errors, then a new writer, with nothing lost and nothing of the open one', async () => {
    await createTopic(broker.brokers, 'ledger');
    const reader = await LaneReader.open(client(broker.brokers));
    const plain = PlainWriter.open(client(broker.brokers));
    let armed = false;
    const writer = await TransactionalWriter.open({
      ...client(broker.brokers),
      transactionalId: 'lane.0',
      partitions: [],
      onPoint: (point) => {
        if (armed && point === 'before-commit') process.kill(broker.pid, 'SIGKILL');
      },
    });
    await writer.commit([text('kept')], 0);
    expect(texts(await readAll(reader, 'ledger'))).toEqual(['kept']);
    armed = true;
    await expect(writer.commit([text('open')], 0)).rejects.toBeInstanceOf(IndefiniteError);
    await expect(writer.commit([text('again')], 0)).rejects.toBeInstanceOf(DisposedError);
    await expect(reader.fetch([{ topic: 'ledger', partition: 0, offset: 0n }])).rejects.toBeInstanceOf(BrokerUnavailable);
    await expect(plain.send([text('nobody')])).rejects.toBeInstanceOf(BrokerUnavailable);

    const [address] = broker.brokers;
    broker = await startEmbeddedBroker({ dataDir });
    expect(broker.brokers).toEqual([address]);
    const successor = await until('the transactional id can be initialised', () =>
      TransactionalWriter.open({ ...client(broker.brokers), transactionalId: 'lane.0', partitions: [] }),
    );
    await successor.commit([text('after')], 0);
    // The reader and the plain writer from before the kill go on by themselves.
    expect(texts(await until('the reader answers', () => readAll(reader, 'ledger')))).toEqual(['kept', 'after']);
    await until('the plain writer sends', () => plain.send([text('plain')]));
    expect(texts(await readAll(reader, 'ledger')).at(-1)).toBe('plain');
    await Promise.all([successor.close(), reader.close(), plain.close()]);
  });
});
