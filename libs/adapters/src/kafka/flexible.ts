/* Kafka's flexible encoding (KIP-482): compact lengths (one more than they say), and tagged fields, of which we send none and skip all. */
import { EncoderImpl, type Broker, type Encoder, errorType, type ProtocolRequest } from './internals.ts';
import { KafkaFault } from './errors.ts';

interface FlexibleCall<T> {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly apiName: string;
  readonly body: Encoder;
  readonly decode: (from: FlexibleReader) => T;
}

/** One request whose header and body are flexible, to this broker. */
export function sendFlexible<T>(broker: Broker, { body, decode, ...api }: FlexibleCall<T>): Promise<T> {
  const request: ProtocolRequest<T> = {
    // kafkajs writes the header up to the client id; a flexible one ends with its tagged fields.
    request: { ...api, encode: () => Promise.resolve(new EncoderImpl().writeUVarInt(0).writeEncoder(body).writeUVarInt(0)) },
    response: {
      decode: (payload) => Promise.resolve(decodeFlexible(payload, api.apiName, decode)),
      parse: (decoded) => Promise.resolve(decoded),
    },
  };
  return broker.connectionPool.send(request);
}

/** Throws MALFORMED_ANSWER for one that ends too early, or has a count that is none. */
export function decodeFlexible<T>(
  payload: Buffer,
  apiName: string,
  decode: (from: FlexibleReader) => T,
  { headerHasTags = true }: { readonly headerHasTags?: boolean } = {},
): T {
  try {
    const from = new FlexibleReader(payload);
    if (headerHasTags) from.tags();
    return decode(from);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw malformed(apiName, `an answer of ${payload.length} bytes cannot be read`, error);
  }
}

/** The only answer about the only thing that was asked for. Throws MALFORMED_ANSWER: none at all would look like success. */
export function onlyOne<T>(apiName: string, answers: readonly T[]): T {
  const [one] = answers;
  if (one === undefined || answers.length !== 1) throw malformed(apiName, `expected one answer, ${answers.length} came`);
  return one;
}

/** Asked again, on another connection perhaps, the answer may be whole. */
export const malformed = (apiName: string, what: string, cause?: unknown): KafkaFault =>
  new KafkaFault('MALFORMED_ANSWER', `${apiName}: ${what}`, { retriable: true, cause });

export function compactArray<T>(items: readonly T[], each: (encoder: Encoder, item: T) => Encoder): Encoder {
  const encoder = new EncoderImpl().writeUVarInt(items.length + 1);
  for (const item of items) each(encoder, item);
  return encoder;
}

/** Five bytes of seven bits: what a length of 32 bits takes. */
const VARINT_BITS = 35;

export class FlexibleReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  readonly int16 = (): number => this.#bytes.readInt16BE(this.#skip(2));
  readonly int32 = (): number => this.#bytes.readInt32BE(this.#skip(4));
  readonly int64 = (): bigint => this.#bytes.readBigInt64BE(this.#skip(8));

  /** null is read as ''. */
  string(): string {
    const length = Math.max(0, this.#varint() - 1);
    const start = this.#skip(length);
    return this.#bytes.toString('utf8', start, start + length);
  }

  array<T>(item: () => T): T[] {
    const items: T[] = [];
    for (let left = this.#varint() - 1; left > 0; left--) items.push(item());
    return items;
  }

  /** `each` may read a field's value, and nothing beyond it; what it leaves is skipped. */
  tags(each?: (tag: number, value: FlexibleReader) => void): void {
    for (let left = this.#varint(); left > 0; left--) {
      const tag = this.#varint();
      const start = this.#skip(this.#varint());
      each?.(tag, new FlexibleReader(this.#bytes.subarray(start, this.#at)));
    }
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < VARINT_BITS; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#skip(1));
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError(`a varint of more than ${VARINT_BITS} bits`);
  }

  #skip(length: number): number {
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new RangeError(`a field ends at ${this.#at} of ${this.#bytes.length}`);
    return start;
  }
}

/** `code` 0 is no error; others are thrown by their names, and as protocolCode finds them. */
export function throwUnlessOk(what: string, code: number): void {
  if (code === 0) return;
  const { type, retriable } = errorType(code);
  throw new KafkaFault(type, `${what}: ${type}`, { retriable, cause: { code, type } });
}
