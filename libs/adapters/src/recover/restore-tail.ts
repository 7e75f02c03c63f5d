import { statementBytes } from '#domain';

import { LaneReceipts } from '../births/lane-receipts.ts';
import type { Home } from '../home/home.ts';
import { TransactionalWriter } from '../kafka/transactional-writer.ts';
import type { Remade } from './tail.ts';

/** One transaction is one for so many records: far below what a reader takes at once. */
const RECORDS_MAX = 512;

/** Exact bytes of every entry that has a receipt, each verified, in the lane's order; a copy of one, which anybody may write, is left out. */
export async function attestedEntries(home: Home, brokers: readonly string[], lane: number): Promise<Uint8Array[]> {
  const receipts = await LaneReceipts.open(home, brokers, lane);
  try {
    await receipts.catchUp();
    const next = new Map<string, number>();
    return receipts.all.flatMap(({ statement }) => {
      const { origin, index } = statement.predicate;
      if (Number(index) !== (next.get(origin) ?? 0)) return [];
      next.set(origin, Number(index) + 1);
      return [statementBytes(statement)];
    });
  } finally {
    await receipts.close();
  }
}

/**
 * Writes them as the lane's decider would, under its transactional id: a decider that still runs is fenced. A crash between two transactions
 * leaves a shorter tail to be made again.
 */
export async function writeTail(home: Home, brokers: readonly string[], lane: number, tail: readonly Remade[]): Promise<void> {
  const partitions = ['ledger', 'input-keys', 'dead-letters', 'decider-state'].map((name) => ({
    topic: home.topic(name),
    partition: lane,
  }));
  const transactionalId = `${home.config.topicPrefix}countersign.decider.${lane}`;
  const writer = await TransactionalWriter.open({ brokers, clientId: 'countersign-recover', transactionalId, partitions });
  try {
    for (let at = 0; at < tail.length;) {
      const start = at;
      let records = 0;
      for (; at < tail.length && (at === start || records < RECORDS_MAX); at++) records += tail[at]?.records.length ?? 0;
      const written = tail.slice(start, at);
      await writer.commit(
        written.flatMap((each) => each.records),
        written.at(-1)?.laneSeq ?? 0,
      );
    }
  } finally {
    await writer.close();
  }
}
