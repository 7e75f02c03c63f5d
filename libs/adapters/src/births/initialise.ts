/** The first record of every lane. Nothing on a lane is read before it, and another first record halts it for ever. */
import { equalBytes } from '#domain';

import { initialisedEnvelopes } from '../controls/controls.ts';
import { initialisedPayloadOf } from '../home/config.ts';
import type { Home } from '../home/home.ts';
import { type KafkaRecord, LaneReader, type PlainWriter } from '../kafka/index.ts';
import { wire } from '../wire/codec.ts';
import { BirthError, publishControls, type PublishedControl } from './publish.ts';

/** Publishes LedgerInitialised where a lane is still empty; run again after a crash it goes on where it stopped. Returns those lanes. */
export async function initialiseLanes(home: Home, brokers: readonly string[], writer: PlainWriter): Promise<number[]> {
  const topic = home.topic('controls');
  const payload = initialisedPayloadOf(home.config);
  const reader = await LaneReader.open({ brokers, clientId: 'countersign-init' });
  const made: number[] = [];
  try {
    for (const control of initialisedEnvelopes(home)) {
      const { lane } = control;
      const first = await firstValue(reader, topic, lane);
      if (first === undefined) {
        await publishControls(home, writer, [control]);
        made.push(lane);
      } else if (!isBirth(first, payload)) {
        const what = `${topic}/${lane} begins with a record that is not this ledger's birth`;
        throw new BirthError('OTHER_LEDGER', `${what}: use the data folder that this Kafka belongs to, or another topic prefix`);
      }
    }
  } finally {
    await reader.close();
  }
  return made;
}

/** Where each lane's `controls` ends now: the last record that is there. */
export async function lastControls(home: Home, brokers: readonly string[]): Promise<PublishedControl[]> {
  const topic = home.topic('controls');
  const reader = await LaneReader.open({ brokers, clientId: 'countersign-init' });
  const last: PublishedControl[] = [];
  try {
    for (let lane = 0; lane < home.config.lanes; lane++) {
      for await (const { offset } of everyRecord(reader, topic, lane)) last[lane] = { id: 'an earlier control', lane, offset };
    }
  } finally {
    await reader.close();
  }
  return last.flat(); // a lane without any leaves a hole, which flat leaves out
}

async function firstValue(reader: LaneReader, topic: string, lane: number): Promise<Uint8Array | null | undefined> {
  for await (const { value } of everyRecord(reader, topic, lane)) return value;
  return undefined;
}

async function* everyRecord(reader: LaneReader, topic: string, lane: number): AsyncGenerator<KafkaRecord> {
  const [ends] = await reader.endOffsets([{ topic, partition: lane }]);
  if (!ends) return;
  for (let offset = ends.start; offset < ends.lastStable;) {
    const [fetched] = await reader.fetch([{ topic, partition: lane, offset }]);
    if (fetched?.error) throw fetched.error;
    yield* fetched?.records ?? [];
    offset = fetched?.nextOffset ?? ends.lastStable;
  }
}

const isBirth = (value: Uint8Array | null, payload: Uint8Array): boolean => {
  const envelope = value === null ? undefined : wire.decodeEnvelope(value);
  return envelope !== undefined && equalBytes(envelope.payload, payload);
};
