/** What a Kafka call can end in; `code` is stable, `retriable` says whether the same call may succeed later. */
export class KafkaFault extends Error {
  readonly code: string;
  readonly retriable: boolean;
  constructor(code: string, message: string, options: { retriable?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retriable = options.retriable ?? false;
  }
}

/** No answer from any broker in time. A record that was being sent may or may not have been appended. */
export class BrokerUnavailable extends KafkaFault {
  constructor(message: string, cause?: unknown) {
    super('BROKER_UNAVAILABLE', message, { retriable: true, cause });
  }
}

/** One partition cannot be read now: its leader moves, or it does not exist. `code` is Kafka's name of the error. */
export class PartitionUnavailable extends KafkaFault {
  constructor(code: string, topic: string, partition: number, retriable: boolean) {
    super(code, `${topic}/${partition} cannot be read: ${code}`, { retriable });
  }
}

/** The position is before the log's start or beyond its end. Never resolved by moving: data was lost, or the position is wrong. */
export class OffsetOutOfRange extends KafkaFault {
  readonly topic: string;
  readonly partition: number;
  readonly requested: bigint;
  constructor(topic: string, partition: number, requested: bigint) {
    super('OFFSET_OUT_OF_RANGE', `${topic}/${partition} has no offset ${String(requested)}`);
    this.topic = topic;
    this.partition = partition;
    this.requested = requested;
  }
}

/** An open transaction of some client keeps read_committed readers from everything at `offset` and after it. The broker answers. */
export class TransactionOpen extends KafkaFault {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  constructor(topic: string, partition: number, offset: bigint) {
    const what = `an open transaction keeps ${topic}/${partition} from being read at offset ${String(offset)}`;
    super('BLOCKED', `${what}: countersign doctor names its producer`, { retriable: true });
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
  }
}

/** A record batch that we cannot decode: an unsupported codec, a decompression bomb, or broken bytes. Offsets are inclusive. */
export class UnreadableBatch extends KafkaFault {
  readonly topic: string;
  readonly partition: number;
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
  constructor(at: { topic: string; partition: number; firstOffset: bigint; lastOffset: bigint }, why: string, cause?: unknown) {
    super('UNREADABLE_BATCH', `${at.topic}/${at.partition} offsets ${String(at.firstOffset)} to ${String(at.lastOffset)}: ${why}`, {
      cause,
    });
    this.topic = at.topic;
    this.partition = at.partition;
    this.firstOffset = at.firstOffset;
    this.lastOffset = at.lastOffset;
  }
}

/** Bytes of a record batch are not those its checksum is of. Fetched again it may be whole: a network changes bytes as well as a disk. */
export class DamagedBatch extends KafkaFault {
  constructor(topic: string, partition: number, from: bigint) {
    const why = 'were changed on their way or on a disk: their checksum is another';
    super('DAMAGED_BATCH', `${topic}/${partition}: records from offset ${String(from)} on ${why}`, { retriable: true });
  }
}

/**
 * The broker no longer accepts this producer. `succeeded` is true when another owner may have taken over (the lane must be given up) and
 * false when the broker merely forgot us (initialise again).
 */
export class FencedError extends KafkaFault {
  readonly succeeded: boolean;
  constructor(message: string, succeeded: boolean, cause: unknown) {
    super('FENCED', message, { cause });
    this.succeeded = succeeded;
  }
}

/** A transaction whose end we did not see. With `commitSent` it may have been committed: re-initialise and read the head again. */
export class IndefiniteError extends KafkaFault {
  readonly commitSent: boolean;
  constructor(message: string, commitSent: boolean, cause: unknown) {
    super('INDEFINITE', message, { retriable: true, cause });
    this.commitSent = commitSent;
  }
}

/** The object was closed, or an earlier error has made it unusable. */
export class DisposedError extends KafkaFault {
  constructor(what: string) {
    super('DISPOSED', `${what} is disposed`);
  }
}

interface ErrorLike {
  name?: unknown;
  code?: unknown;
  type?: unknown;
  cause?: unknown;
  message?: unknown;
}

/** Kafka's numeric error code behind a kafkajs error (which wraps it in up to two others), or undefined. */
export function protocolCode(error: unknown): { code: number; type: string } | undefined {
  for (let at = error as ErrorLike | undefined, depth = 0; at && depth < 5; at = at.cause as ErrorLike | undefined, depth++) {
    if (typeof at.code === 'number' && typeof at.type === 'string') return { code: at.code, type: at.type };
  }
  return undefined;
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
