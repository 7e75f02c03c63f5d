/** What still holds the bytes of an erased action: read from the topics as they are now. */
import { codecs, type Home, type KafkaRecord, LaneReader, readToEnd } from '#adapters';
import { entryName } from '#domain';

import type { ActionEntries } from './action-entries.ts';

export interface TopicHolds {
  readonly topic: string;
  /** Records that hold something of it. */
  readonly records: number;
  /** What makes them go. */
  readonly until: string;
}

const RETENTION = 'the retention of the topic';

/** Every topic that can hold something, in the order of docs/erasure.md; reads `verdicts`, `dead-letters` and the compacted ones whole. */
export async function whatHolds(home: Home, brokers: readonly string[], entries: ActionEntries): Promise<TopicHolds[]> {
  const [lane] = [...new Set(entries.inputs.map(({ partition }) => partition))];
  if (lane === undefined) return [];
  const reader = await LaneReader.open({ brokers, clientId: 'countersign-erasure' });
  try {
    const count = async (topic: string, holds: (record: KafkaRecord) => boolean): Promise<number> => {
      let records = 0;
      const place = { topic: home.topic(topic), partition: lane };
      await readToEnd(reader, place, (record) => (records += holds(record) ? 1 : 0), new AbortController().signal);
      return records;
    };
    const inputs = async (topic: 'actions' | 'outcomes'): Promise<number> => {
      const [ends] = await reader.endOffsets([{ topic: home.topic(topic), partition: lane }]);
      const start = ends?.start ?? 0n;
      return entries.inputs.filter((input) => input.topic === topic && input.offset >= start && entries.isOfThisEpoch(input)).length;
    };
    const indexes = new Set(entries.inputs.map(({ index }) => index));
    const names = new Set([...indexes].map((index) => entryName(entries.origin, index)));
    const erasedAtSeq = Math.max(-1, ...entries.erasures.map(({ laneSeq }) => laneSeq));
    return [
      { topic: 'actions', records: await inputs('actions'), until: RETENTION },
      { topic: 'outcomes', records: await inputs('outcomes'), until: RETENTION },
      { topic: 'verdicts', records: await count('verdicts', (record) => isProposalOf(record, entries, indexes)), until: RETENTION },
      {
        topic: 'dead-letters',
        records: await count('dead-letters', ({ value }) => value?.includes(entries.action) === true),
        until: RETENTION,
      },
      {
        topic: 'input-keys',
        records: await count('input-keys', ({ key, value }) => value !== null && names.has(key?.toString() ?? '')),
        until: 'compaction',
      },
      {
        topic: 'decider-state',
        records: await count('decider-state', ({ value, headers }) => value !== null && !(Number(headers['laneseq']) > erasedAtSeq)),
        until: 'a newer snapshot, and compaction',
      },
    ];
  } finally {
    await reader.close();
  }
}

function isProposalOf({ value }: KafkaRecord, { tenant }: ActionEntries, indexes: ReadonlySet<number>): boolean {
  if (value === null) return false;
  try {
    const verdict = codecs.verdict.decode(value);
    return verdict.tenant === tenant && verdict.proposal !== null && indexes.has(verdict.leafIndex);
  } catch {
    return false; // no notary wrote it: it counts for nothing, and goes with the rest
  }
}
