/** What decider, notary and checker need of Kafka, so that a simulation can stand in for it. */
import { withAdmin } from './admin.ts';
import { endBlocking, type Ending } from './blocking.ts';
import type { ConnectionOptions } from './client.ts';
import type { BaseOffset } from './produce-request.ts';
import type { OutgoingRecord } from './record-batch.ts';
import { LaneReader, type LogReader, type TopicPartition } from './reader.ts';
import { checkTopics, type TopicFault, type TopicOptions } from './topics.ts';
import { type AppendCheck, TransactionalWriter, type WriterOptions } from './transactional-writer.ts';

/** One transaction at a time, under one transactional id; after any error unusable. See TransactionalWriter. */
export interface LogWriter {
  /**
   * Resolves once it is committed: readers may see it later, and one topic-partition of it before another. `check` sees where and when the
   * records were appended, before the end: what it throws aborts the transaction, and is thrown here.
   */
  commit(records: readonly OutgoingRecord[], laneSeq: number, check?: AppendCheck): Promise<BaseOffset[]>;
  /** Resolves when no successor has opened a writer under this id. Rejects with FencedError when one has. Writes nothing. */
  expectOwner(): Promise<void>;
  close(): Promise<void>;
}

export interface LaneLog {
  openReader(): Promise<LogReader>;
  /** On return no predecessor under this id can commit anything more, and what it left open has ended. */
  openWriter(options: Pick<WriterOptions, 'transactionalId' | 'partitions' | 'onPoint'>): Promise<LogWriter>;
  /** Every difference between the topics as they are and as they must be. */
  topicFaults(options: TopicOptions): Promise<TopicFault[]>;
  /** Aborts the transaction at the readable end of an input partition, unless its id `isOurs`. undefined: none is open. */
  endBlocking(place: TopicPartition, isOurs: (transactionalId: string) => boolean): Promise<Ending | undefined>;
}

export const kafkaLaneLog = (connection: ConnectionOptions): LaneLog => ({
  openReader: () => LaneReader.open(connection),
  openWriter: (options) => TransactionalWriter.open({ ...connection, ...options }),
  topicFaults: (options) => withAdmin(connection, (admin) => checkTopics(admin, options)),
  endBlocking: (place, isOurs) => endBlocking(connection, place, isOurs),
});
