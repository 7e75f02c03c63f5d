import { setTimeout as delay } from 'node:timers/promises';
import { bounded } from './bounded.ts';
import type { ConnectionOptions } from './client.ts';
import { BrokerUnavailable, DisposedError, FencedError, IndefiniteError, KafkaFault, messageOf, protocolCode } from './errors.ts';
import { closeCluster, openCluster, type Cluster } from './internals.ts';
import { endLeftOpen, LANE_SEQ_HEADER } from './left-open.ts';
import { socketFactory } from './patch.ts';
import { isPassing, produce } from './produce.ts';
import type { BaseOffset } from './produce-request.ts';
import type { OutgoingRecord } from './record-batch.ts';
import type { TopicPartition } from './reader.ts';
import { abortTransaction, commitTransaction, END_TXN, initProducer, TRANSACTION_PAUSES_MS } from './transaction-requests.ts';
import { openTransactions, producerOf, type TransactionIdentity } from './transactions-api.ts';

/**
 * The named points of one transaction, in order, for fault tests. A crash: before-send, nothing happened; after-send and before-commit, the
 * broker aborts (or the successor does); after-commit-sent, unknown; after-commit, committed.
 */
export type CommitPoint = 'before-send' | 'after-send' | 'before-commit' | 'after-commit-sent' | 'after-commit';

/** Looks at where and when the records of a transaction were appended. What it throws aborts the transaction. */
export type AppendCheck = (appended: readonly BaseOffset[]) => void;

export interface WriterOptions extends ConnectionOptions {
  readonly transactionalId: string;
  /** Everything that is ever written under this id: what a broker left open there is ended before the writer is ready. */
  readonly partitions: readonly TopicPartition[];
  readonly onPoint?: (name: CommitPoint) => void | Promise<void>;
}

/** Unit ms. Above what the broker's own time-out and our retries come to: a transaction that takes longer has no answer to wait for. */
const TRANSACTION_MAX_MS = 30_000;
/** The markers of a transaction that was committed are on their way for some ms; a second later they are forgotten. */
const MARKERS_PAUSES_MS = [...TRANSACTION_PAUSES_MS.slice(0, 20), undefined];
/** The same records under the same sequences: a leader that has them already says where. */
const RETRY = { pausesMs: TRANSACTION_PAUSES_MS, isPassing };

/**
 * One transactional producer, one transaction at a time. After any error it is unusable: whether the transaction was committed must be read
 * from the log, by a successor that has initialised the same transactional id.
 */
export class TransactionalWriter {
  readonly #cluster: Cluster;
  readonly #options: WriterOptions;
  readonly #wire: CommitWire;
  /** Of the next transaction: each has an epoch of its own. */
  #identity: TransactionIdentity | undefined;
  #state: 'ready' | 'busy' | 'disposed' = 'ready';
  /** A connection broke while nothing was on its way. */
  #isSuspect = false;

  private constructor(cluster: Cluster, options: WriterOptions, wire: CommitWire) {
    this.#cluster = cluster;
    this.#options = options;
    this.#wire = wire;
  }

  /** Initialises the transactional id: fences the predecessor, waits until its open transaction is aborted, ends what a broker forgot. */
  static async open(options: WriterOptions): Promise<TransactionalWriter> {
    const wire = new CommitWire();
    const { cluster } = openCluster(options, { maxInFlightRequests: 1, config: { socketFactory: wire.socketFactory } });
    const writer = new TransactionalWriter(cluster, options, wire);
    await writer.#exclusive('initialise', async () => {
      await cluster.connect();
      const owner = await initProducer(cluster, options.transactionalId);
      wire.onLost = () => {
        writer.#lost();
      };
      await endLeftOpen(cluster, options, { owner, partitions: options.partitions });
      writer.#identity = owner;
    });
    return writer;
  }

  /**
   * A broker that went away may have forgotten a part of our last transaction. The next one must not be written on top of it, since its
   * outcome would become that part's too; so nothing of this writer goes out over another connection without a look.
   */
  #lost(): void {
    if (this.#state === 'busy')
      void closeCluster(this.#cluster, new KafkaFault('BROKER_UNAVAILABLE', 'writer: the connection broke')); // final, or kafkajs tries again
    else this.#isSuspect = true;
  }

  async #lookForOpen(): Promise<void> {
    for (const pauseMs of MARKERS_PAUSES_MS) {
      const [open] = await openTransactions(this.#cluster, this.#options.partitions);
      this.#isSuspect = open !== undefined;
      if (!open) return;
      if (pauseMs === undefined)
        throw new BrokerUnavailable(`writer: the last transaction is still open on ${open.topic}/${open.partition}`);
      await delay(pauseMs);
    }
  }

  /**
   * All records in one produce request per leader and one transaction. Resolves once it is committed; readers see it a few ms later.
   * `laneSeq`: the lane's sequence that this leads to; no smaller than the last one's. What `check` throws is thrown here once the transaction
   * is aborted; the writer is then unusable, as after any other error.
   */
  async commit(records: readonly OutgoingRecord[], laneSeq: number, check?: AppendCheck): Promise<BaseOffset[]> {
    if (records.length === 0) throw new Error('a transaction needs at least one record');
    const { sent, refused } = await this.#exclusive('transaction', async () => {
      if (this.#isSuspect) await this.#lookForOpen();
      const transaction = this.#identity;
      if (!transaction) throw new DisposedError('writer');
      await this.#at('before-send');
      const sent = await produce(this.#cluster, records, { ...RETRY, transaction, header: [LANE_SEQ_HEADER, String(laneSeq)] });
      await this.#at('after-send');
      const refused = thrownBy(() => check?.(sent));
      if (refused) {
        await abortTransaction(this.#cluster, transaction); // a crash before it: the broker aborts, or the successor does
        return { sent, refused };
      }
      await this.#at('before-commit');
      this.#identity = await this.#end(transaction);
      await this.#at('after-commit');
      return { sent };
    });
    if (!refused) return sent;
    await this.close();
    throw refused.error;
  }

  /** Asks the coordinator who may write under the id now. Rejects with FencedError when it is a successor. Writes nothing. */
  async expectOwner(): Promise<void> {
    await this.#exclusive('look at the owner', async () => {
      const { transactionalId } = this.#options;
      const { producerId, producerEpoch } = await producerOf(this.#cluster, transactionalId);
      if (producerId !== this.#identity?.producerId || producerEpoch !== this.#identity.producerEpoch)
        throw new FencedError(`${transactionalId} has another owner, by its coordinator`, true, undefined);
    });
  }

  /** Ends the connection. An open transaction is left to the broker's time-out or the successor. */
  async close(): Promise<void> {
    this.#state = 'disposed';
    await closeCluster(this.#cluster, new DisposedError('writer'));
  }

  async #end(transaction: TransactionIdentity): Promise<TransactionIdentity> {
    this.#wire.commitSent = true; // from here on an error leaves the outcome unknown
    const written = this.#options.onPoint ? this.#wire.nextEndTxn() : undefined;
    const ended = commitTransaction(this.#cluster, transaction);
    if (written) {
      ended.catch(() => undefined); // awaited below; it may fail while the point is still being passed
      await Promise.race([written, ended]);
      await this.#at('after-commit-sent');
    }
    const next = await ended;
    this.#wire.commitSent = false;
    return next;
  }

  async #at(point: CommitPoint): Promise<void> {
    await this.#options.onPoint?.(point);
    if (this.#isDisposed() && point !== 'after-commit') throw new DisposedError('writer');
  }

  async #exclusive<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (this.#state === 'busy') throw new Error('writer: one transaction at a time');
    if (this.#state === 'disposed') throw new DisposedError('writer');
    this.#state = 'busy';
    try {
      const result = await bounded(what, TRANSACTION_MAX_MS, work());
      if (!this.#isDisposed()) this.#state = 'ready'; // closed meanwhile: what was done is done
      return result;
    } catch (error) {
      const closed = this.#isDisposed();
      await this.close();
      throw closed && !this.#wire.commitSent ? new DisposedError('writer') : this.#describe(what, error);
    }
  }

  #isDisposed(): boolean {
    return this.#state === 'disposed';
  }

  #describe(what: string, error: unknown): KafkaFault {
    const id = this.#options.transactionalId;
    if (error instanceof FencedError) return error;
    const known = protocolCode(error);
    if (known && FENCED.has(known.code)) return new FencedError(`${what} of ${id}: ${known.type}`, SUCCEEDED.has(known.code), error);
    return new IndefiniteError(`${what} of ${id}: ${messageOf(error)}`, this.#wire.commitSent, error);
  }
}

function thrownBy(work: () => void): { readonly error: unknown } | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return { error };
  }
}

/**
 * INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE, PRODUCER_FENCED: another owner may be at work; INVALID_PRODUCER_ID_MAPPING too, under the next
 * producer id.
 */
const SUCCEEDED = new Set([47, 48, 49, 90]);
/** Also OUT_OF_ORDER_SEQUENCE_NUMBER and UNKNOWN_PRODUCER_ID. */
const FENCED = new Set([...SUCCEEDED, 45, 59]);

/** Sees when the commit request has been handed to the kernel, and when a connection is lost: kafkajs tells neither. */
class CommitWire {
  commitSent = false;
  onLost: () => void = () => undefined;
  #onEndTxn: (() => void) | undefined;

  nextEndTxn(): Promise<void> {
    return new Promise((resolve) => (this.#onEndTxn = resolve));
  }

  readonly socketFactory: typeof socketFactory = (options) => {
    const socket = socketFactory(options);
    // The first to come: by 'close' kafkajs may have connected again.
    for (const event of ['end', 'close']) {
      socket.once(event, () => {
        this.onLost();
      });
    }
    const write = socket.write.bind(socket) as (data: Buffer, encoding: BufferEncoding, done?: () => void) => boolean;
    // kafkajs writes each request with one call: size (4 bytes), API key (2 bytes), …
    socket.write = ((data: Buffer, encoding: BufferEncoding) =>
      data.length > 6 && data.readInt16BE(4) === END_TXN
        ? write(data, encoding, () => this.#onEndTxn?.())
        : write(data, encoding)) as Socketwrite;
    return socket;
  };
}
type Socketwrite = ReturnType<typeof socketFactory>['write'];
