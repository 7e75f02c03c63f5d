import type { Producer } from 'kafkajs';
import { bounded } from './bounded.ts';
import type { ConnectionOptions } from './client.ts';
import { BrokerUnavailable, DisposedError, KafkaFault, messageOf, protocolCode } from './errors.ts';
import { closeCluster, type Cluster } from './internals.ts';
import { type BaseOffset, createProducer, type OutgoingRecord, toBaseOffset, toBatch } from './produce.ts';

/** Unit ms. How long a plain send tries before it reports. */
const PLAIN_SEND_MAX_MS = 5000;

/** Sends without transaction: inputs, which carry their own identity, so a record that arrives twice does no harm. */
export class PlainWriter {
  readonly #producer: Producer;
  readonly #cluster: Cluster;
  #connected: Promise<void> | undefined;
  #closed = false;

  private constructor(producer: Producer, cluster: Cluster) {
    this.#producer = producer;
    this.#cluster = cluster;
  }

  /** Does not wait for a broker: the first send connects. */
  static open(options: ConnectionOptions): PlainWriter {
    const { producer, cluster } = createProducer(options, {});
    return new PlainWriter(producer, cluster);
  }

  /** Resolves once every in-sync replica has the records. Throws BrokerUnavailable after 5 s: they may still arrive, or not. */
  async send(records: readonly OutgoingRecord[]): Promise<BaseOffset[]> {
    if (this.#closed) throw new DisposedError('writer');
    return bounded('send', PLAIN_SEND_MAX_MS, this.#send(records));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await closeCluster(this.#cluster, new DisposedError('writer'));
  }

  async #send(records: readonly OutgoingRecord[]): Promise<BaseOffset[]> {
    try {
      this.#connected ??= this.#producer.connect();
      await this.#connected;
      return (await this.#producer.sendBatch(toBatch(records))).map(toBaseOffset);
    } catch (error) {
      this.#connected = undefined;
      if (error instanceof KafkaFault) throw error;
      const known = protocolCode(error);
      if (known && !RETRIED.has(known.type)) throw new KafkaFault(known.type, `send: ${messageOf(error)}`, { cause: error });
      throw new BrokerUnavailable(`send: ${messageOf(error)}`, error);
    }
  }
}

/** What a restart or an election looks like from here; everything else (too large, not authorised) will not get better. */
const RETRIED = new Set([
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'REQUEST_TIMED_OUT',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'NETWORK_EXCEPTION',
]);
