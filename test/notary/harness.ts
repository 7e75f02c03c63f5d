import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  codecs,
  createTopics,
  GuardFile,
  kafkaLaneLog,
  type KafkaRecord,
  LaneReader,
  type Log,
  type OutgoingRecord,
  TransactionalWriter,
} from '#adapters';
import { utf8 } from '#domain';
import { type MadeBatch, SealedLedger } from '#testing';

import { LaneNotary, type LaneNotaryOptions } from '../../apps/notary/src/lane-notary.ts';
import { client, readAll, unique, until, withAdmin } from '../support/kafka.ts';

/** One lane on a real broker, its ledger written by hand, and notaries that a test starts and stops. */
export class NotaryWorld {
  readonly prefix: string;
  readonly guardFolder = mkdtempSync(join(tmpdir(), 'countersign-guard-'));
  readonly alarms: string[] = [];
  readonly #stopping: (() => Promise<unknown>)[] = [];
  #writer: TransactionalWriter | undefined;
  #reader: LaneReader | undefined;

  constructor(
    private readonly brokers: readonly string[],
    readonly ledger = new SealedLedger(),
    prefix = `${unique('notary')}.`,
  ) {
    this.prefix = prefix;
  }

  async open(): Promise<this> {
    await this.createTopics();
    this.#writer = await TransactionalWriter.open({
      ...client(this.brokers),
      transactionalId: `${this.prefix}countersign.decider.0`,
      partitions: [],
    });
    this.#reader = await LaneReader.open(client(this.brokers));
    return this;
  }

  async close(): Promise<void> {
    await Promise.all(this.#stopping.map((stop) => stop()));
    await Promise.allSettled([this.#writer?.close(), this.#reader?.close()]);
    rmSync(this.guardFolder, { recursive: true });
  }

  topic(name: string): string {
    return this.prefix + name;
  }

  createTopics(): Promise<unknown> {
    return withAdmin(this.brokers, (admin) => createTopics(admin, { prefix: this.prefix, lanes: 1, replicationFactor: 1 }));
  }

  /** As if an operator had deleted and made them anew. */
  async wipe(...names: string[]): Promise<void> {
    const topics = names.map((name) => this.topic(name));
    await withAdmin(this.brokers, async (admin) => {
      await admin.deleteTopics({ topics });
      await until('topics are gone', async () => (await admin.listTopics()).every((topic) => !topics.includes(topic)));
    });
    await this.createTopics();
    await this.#reader?.close(); // it remembers the deleted ones
    this.#reader = await LaneReader.open(client(this.brokers));
  }

  /** As the decider does: ledger and input keys in one transaction. */
  async publish(...batches: readonly MadeBatch[]): Promise<void> {
    for (const { values, records, inputKeys } of batches) {
      const ledger = values.map((value, at): OutgoingRecord => {
        const traceparent = `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`;
        return {
          topic: this.topic('ledger'),
          partition: 0,
          key: Buffer.from(records[at]?.tenant ?? ''),
          value: Buffer.from(value),
          headers: { traceparent },
        };
      });
      const keys = inputKeys.map(({ name, origin, leafIndex, key }): OutgoingRecord => {
        const value = codecs.inputKey.encode({ origin, leafIndex, key });
        return { topic: this.topic('input-keys'), partition: 0, key: Buffer.from(utf8(name)), value };
      });
      await this.#writer?.commit([...ledger, ...keys], 0);
    }
  }

  async write(record: Omit<OutgoingRecord, 'partition'>): Promise<void> {
    await this.#writer?.commit([{ ...record, topic: this.topic(record.topic), partition: 0 }], 0);
  }

  notary(overrides: Partial<LaneNotaryOptions> = {}): { ready: Promise<void>; ended: Promise<unknown>; stop: () => Promise<unknown> } {
    const alarm = (_: object, message: string): void => void this.alarms.push(message);
    const quiet = (): void => undefined;
    const log: Log = { debug: quiet, info: quiet, warn: quiet, error: alarm };
    const { birth, keys } = this.ledger;
    const { prefix: topicPrefix, guardFolder } = this;
    const notary = new LaneNotary({
      laneLog: kafkaLaneLog(client(this.brokers)),
      birth,
      keys,
      topicPrefix,
      openGuard: (lane) => GuardFile.open(guardFolder, lane),
      log,
      ...overrides,
    });
    const stopping = new AbortController();
    const ready = Promise.withResolvers<undefined>();
    const ended = notary
      .run(0, stopping.signal, () => {
        ready.resolve(undefined);
      })
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    const stop = (): Promise<unknown> => {
      stopping.abort();
      return ended;
    };
    this.#stopping.push(stop);
    return { ready: ready.promise, ended, stop };
  }

  async read(name: string): Promise<KafkaRecord[]> {
    if (!this.#reader) throw new Error('not open');
    return readAll(this.#reader, this.topic(name));
  }

  async receipts() {
    return (await this.read('receipts')).map((record) => ({ ...codecs.receipt.decode(record.value ?? Buffer.of()), ...own(record) }));
  }

  async verdicts() {
    return (await this.read('verdicts')).map((record) => ({ ...codecs.verdict.decode(record.value ?? Buffer.of()), ...own(record) }));
  }

  /** Runs a notary until everything that was published has its receipt, then stops it. */
  async attestAll(): Promise<void> {
    const { stop } = this.notary();
    await this.untilAttested();
    await stop();
  }

  untilAttested(count = this.ledger.heads.nextSeq) {
    return until(`${count} receipts`, async () => (await this.read('receipts')).length >= count);
  }
}

/** Without what a transaction adds: a notary that starts anew may take other batches together. */
function own({ headers }: KafkaRecord): { headers: Record<string, string> } {
  const { laneseq, ...rest } = headers;
  if (laneseq === undefined) throw new Error('a record of no transaction');
  return { headers: rest };
}
