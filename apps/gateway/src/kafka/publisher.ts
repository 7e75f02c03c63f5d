import { codecs, type OutgoingRecord, type PlainWriter } from '#adapters';
import { utf8, type SignedEnvelope } from '#domain';

import { FairQueue } from '../fair-queue.ts';
import { Problem } from '../http/problem.ts';

/** Proposals accepted from callers and not yet acknowledged by Kafka. Each holds up to 128 KiB. */
export const IN_FLIGHT_MAX = 256;
/** Of one tenant: a quarter, so that no tenant alone fills what all share. */
export const IN_FLIGHT_TENANT_MAX = 64;
/** One produce request is one record batch per lane, and a batch may have 1 MiB on an input topic. */
const BATCH_BYTES_MAX = 512 * 1024;

export interface Published {
  readonly partition: number;
  readonly offset: bigint;
}
interface Waiting {
  readonly record: OutgoingRecord;
  readonly bytes: number;
  readonly resolve: (published: Published) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Sends envelopes to `actions` and answers where they are, once every in-sync replica has them. What arrives during a send goes with the next,
 * tenant by tenant in turns: on the lane they stand in that order, and are decided in it.
 */
export class Publisher {
  readonly #writer: Pick<PlainWriter, 'send' | 'close'>;
  readonly #topic: string;
  readonly #waiting = new FairQueue<Waiting>();
  readonly #inFlightOf = new Map<string, number>();
  #inFlight = 0;
  #sending: Promise<void> | undefined;

  constructor(writer: Pick<PlainWriter, 'send' | 'close'>, topic: string) {
    this.#writer = writer;
    this.#topic = topic;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Throws Problem OVERLOADED before anything is sent; whatever else it throws, the record may have been appended. */
  async publish(envelope: SignedEnvelope, traceparent: string | undefined): Promise<Published> {
    if (this.#inFlight >= IN_FLIGHT_MAX)
      throw new Problem(503, 'OVERLOADED', `more than ${IN_FLIGHT_MAX} proposals are on their way`, { retryAfterS: 1 });
    const { tenant } = envelope;
    const own = this.#inFlightOf.get(tenant) ?? 0;
    if (own >= IN_FLIGHT_TENANT_MAX)
      throw new Problem(429, 'RATE_LIMITED', `more than ${IN_FLIGHT_TENANT_MAX} proposals of the tenant are on their way`, {
        retryAfterS: 1,
      });
    const value = codecs.signedEnvelope.encode(envelope);
    const record: OutgoingRecord = {
      topic: this.#topic,
      partition: envelope.lane,
      key: Buffer.from(utf8(envelope.tenant)),
      value,
      headers: { 'content-type': 'application/avro', ...(traceparent === undefined ? {} : { traceparent }) },
    };
    this.#inFlight += 1;
    this.#inFlightOf.set(tenant, own + 1);
    try {
      return await new Promise<Published>((resolve, reject) => {
        this.#waiting.push(tenant, { record, bytes: value.length, resolve, reject });
        this.#sending ??= this.#sendAll();
      });
    } finally {
      this.#inFlight -= 1;
      const left = (this.#inFlightOf.get(tenant) ?? 1) - 1;
      if (left > 0) this.#inFlightOf.set(tenant, left);
      else this.#inFlightOf.delete(tenant);
    }
  }

  async close(): Promise<void> {
    await this.#sending;
    await this.#writer.close();
  }

  async #sendAll(): Promise<void> {
    await Promise.resolve(); // what this tick still brings goes along
    while (this.#waiting.length > 0) {
      const batch = this.#nextBatch();
      try {
        const bases = await this.#writer.send(batch.map(({ record }) => record));
        const sent = new Map<number, bigint>();
        for (const { record, resolve, reject } of batch) {
          const { partition } = record;
          const base = bases.find((of) => of.partition === partition)?.baseOffset;
          const position = sent.get(partition) ?? 0n;
          sent.set(partition, position + 1n);
          if (base === undefined || base < 0n) reject(new Error(`no offset acknowledged for partition ${partition}`));
          else resolve({ partition, offset: base + position });
        }
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#sending = undefined;
  }

  #nextBatch(): Waiting[] {
    const batch: Waiting[] = [];
    let bytes = 0;
    for (
      let next = this.#waiting.peek();
      next && (batch.length === 0 || bytes + next.bytes <= BATCH_BYTES_MAX);
      next = this.#waiting.peek()
    ) {
      bytes += next.bytes;
      batch.push(next);
      this.#waiting.take();
    }
    return batch;
  }
}
