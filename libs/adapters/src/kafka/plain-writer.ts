import { bounded } from './bounded.ts';
import type { ConnectionOptions } from './client.ts';
import { BrokerUnavailable, DisposedError, KafkaFault, messageOf, protocolCode } from './errors.ts';
import { closeCluster, openCluster, type Cluster } from './internals.ts';
import { isPassing, produce } from './produce.ts';
import type { BaseOffset } from './produce-request.ts';
import type { OutgoingRecord } from './record-batch.ts';

/** Unit ms. How long a plain send tries before it reports. */
const PLAIN_SEND_MAX_MS = 5000;
/** Unit ms. About 4 s in all. */
const PAUSES_MS = [50, 100, 200, 400, 800, 1000, 1000];

/** Sends without transaction: inputs, which carry their own identity, so a record that arrives twice does no harm. */
export class PlainWriter {
  readonly #cluster: Cluster;
  #connected: Promise<void> | undefined;
  #closed = false;

  private constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Does not wait for a broker: the first send connects. */
  static open(options: ConnectionOptions): PlainWriter {
    return new PlainWriter(openCluster(options, { maxInFlightRequests: 1 }).cluster);
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
      this.#connected ??= this.#cluster.connect();
      await this.#connected;
      const untilMs = performance.now() + PLAIN_SEND_MAX_MS;
      // Also when a connection broke: what arrives twice does no harm. Not once its caller was told that it may have failed.
      const mayPass = (error: unknown): boolean =>
        !this.#closed && performance.now() < untilMs && (isPassing(error) || isBrokenConnection(error));
      return await produce(this.#cluster, records, { pausesMs: PAUSES_MS, isPassing: mayPass });
    } catch (error) {
      this.#connected = undefined;
      if (error instanceof KafkaFault && !error.retriable) throw error;
      const known = protocolCode(error);
      if (known && !isPassing(error)) throw new KafkaFault(known.type, `send: ${messageOf(error)}`, { cause: error });
      throw new BrokerUnavailable(`send: ${messageOf(error)}`, error);
    }
  }
}

/** kafkajs says of each of its errors whether asking again may help; it knows no protocol code for those of a connection. */
const isBrokenConnection = (error: unknown): boolean =>
  !(error instanceof KafkaFault) && !protocolCode(error) && error instanceof Error && 'retriable' in error && error.retriable === true;
