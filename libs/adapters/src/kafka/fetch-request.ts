import { KafkaFault } from './errors.ts';
import { EncoderImpl, type Encoder, type ProtocolRequest } from './internals.ts';

/* Fetch, version 11 (https://kafka.apache.org/protocol#The_Messages_Fetch). Ours, because kafkajs throws the whole answer away for one bad batch. */

export interface FetchPosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}
export interface FetchLimits {
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxBytesPerPartition: number;
  /** 'uncommitted' also shows what is open or aborted: only to look at a transaction that nobody ended. */
  readonly isolation: 'committed' | 'uncommitted';
}
export interface PartitionAnswer {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: bigint;
  readonly lastStableOffset: bigint;
  readonly logStartOffset: bigint;
  readonly aborted: { producerId: bigint; firstOffset: bigint }[];
  readonly recordSet: Buffer;
}
export interface FetchAnswer {
  readonly errorCode: number;
  readonly partitions: PartitionAnswer[];
}

const API_KEY = 1;
const ISOLATION = { uncommitted: 0, committed: 1 } as const;

export function fetchRequest(
  positions: readonly FetchPosition[],
  limits: FetchLimits,
  requestTimeoutMs: number,
): ProtocolRequest<FetchAnswer> {
  const encode = (): Encoder =>
    new EncoderImpl()
      .writeInt32(-1) // replica id: a consumer
      .writeInt32(limits.maxWaitMs)
      .writeInt32(limits.minBytes)
      .writeInt32(limits.maxBytes)
      .writeInt8(ISOLATION[limits.isolation])
      .writeInt32(0) // session id and epoch: no fetch session
      .writeInt32(-1)
      .writeArray(byTopic(positions).map(([topic, of]) => encodeTopic(topic, of, limits.maxBytesPerPartition)))
      .writeArray([]) // forgotten topics
      .writeString(''); // rack
  return {
    request: { apiKey: API_KEY, apiVersion: 11, apiName: 'Fetch', encode: () => Promise.resolve(encode()) },
    response: { decode: (payload) => Promise.resolve(decodeFetchAnswer(payload)), parse: (decoded) => Promise.resolve(decoded) },
    requestTimeout: requestTimeoutMs + limits.maxWaitMs,
  };
}

function byTopic(positions: readonly FetchPosition[]): [string, FetchPosition[]][] {
  const topics = new Map<string, FetchPosition[]>();
  for (const position of positions) topics.set(position.topic, [...(topics.get(position.topic) ?? []), position]);
  return [...topics];
}

const encodeTopic = (topic: string, positions: FetchPosition[], maxBytes: number): Encoder =>
  new EncoderImpl().writeString(topic).writeArray(
    positions.map(({ partition, offset }) =>
      new EncoderImpl()
        .writeInt32(partition)
        .writeInt32(-1) // leader epoch: any
        .writeInt64(offset.toString())
        .writeInt64('-1') // log start offset: followers only
        .writeInt32(maxBytes),
    ),
  );

/** Throws KafkaFault: from another connection the answer may be whole. */
export function decodeFetchAnswer(bytes: Buffer): FetchAnswer {
  try {
    return decodeAnswer(bytes);
  } catch (cause) {
    if (cause instanceof RangeError)
      throw new KafkaFault('MALFORMED_ANSWER', 'fetch: the answer ends too soon', { retriable: true, cause });
    throw cause;
  }
}

/** Throws RangeError where a field lies beyond the end. */
function decodeAnswer(bytes: Buffer): FetchAnswer {
  let at = 4; // throttle time: the broker mutes the channel itself
  const int32 = (): number => bytes.readInt32BE((at += 4) - 4);
  const int16 = (): number => bytes.readInt16BE((at += 2) - 2);
  const int64 = (): bigint => bytes.readBigInt64BE((at += 8) - 8);
  const take = (length: number): Buffer => {
    const start = at;
    at += Math.max(0, length);
    if (at > bytes.length) throw new RangeError(`a field ends at ${at} of ${bytes.length}`);
    return bytes.subarray(start, at);
  };
  const errorCode = int16();
  at += 4; // session id
  const partitions: PartitionAnswer[] = [];
  for (let topics = int32(); topics > 0; topics--) {
    const topic = take(int16()).toString();
    for (let left = int32(); left > 0; left--) {
      const head = { topic, partition: int32(), errorCode: int16() };
      const offsets = { highWatermark: int64(), lastStableOffset: int64(), logStartOffset: int64() };
      const aborted: { producerId: bigint; firstOffset: bigint }[] = [];
      for (let count = int32(); count > 0; count--) aborted.push({ producerId: int64(), firstOffset: int64() });
      at += 4; // preferred read replica
      partitions.push({ ...head, ...offsets, aborted, recordSet: take(int32()) });
    }
  }
  return { errorCode, partitions };
}
