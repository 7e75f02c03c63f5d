import { randomBytes } from 'node:crypto';

import { sha256Hex } from '#crypto';
import { codecs, KafkaFault, PlainWriter, physicalTopic } from '#adapters';
import { ASKED_WITHIN_MS, type InputTopic, PAYLOAD_KINDS, type PayloadKind, sealEnvelope, utf8 } from '#domain';

import { Denied, Unavailable } from './errors.ts';

export interface PublisherOptions {
  readonly brokers: readonly string[];
  /** The ledger's name. */
  readonly ledger: string;
  /** Hex digest of its birth, `initialised.sha256` in ledger.json: a record signed for one ledger is nothing in another of its name. */
  readonly birth: string;
  readonly tenant: string;
  /** The tenant's registered lane: `countersign tenant add` prints it. */
  readonly lane: number;
  /** Issuer id under which the ledger admits the key. */
  readonly issuer: string;
  /** 32-byte Ed25519 seed of that issuer. */
  readonly seed: Uint8Array;
  readonly topicPrefix?: string;
  readonly nowMs?: () => number;
}
/** Where a record is, and what it is: the receipt of what became of it names the same digest. */
export interface Published {
  readonly id: string;
  readonly topic: InputTopic;
  readonly partition: number;
  readonly offset: bigint;
  /** Hex SHA-256 of the payload: the subject of its receipt. A place alone means another record once the topic is made anew. */
  readonly digest: string;
}
export interface Publication {
  readonly kind: PayloadKind;
  /** The kind's own members. */
  readonly body: object;
  readonly id: string;
  readonly expiresInMs: number;
  /** Of a proposal: when it was first asked for, POSIX milliseconds. Default: now. */
  readonly askedAtMs?: number | undefined;
  /** For messages: proposal, claim, outcome. */
  readonly what: string;
}
export type Writer = Pick<PlainWriter, 'send' | 'close'>;

/** Signs one issuer's payloads and publishes them, each on the topic of its kind. */
export class SignedPublisher {
  readonly #options: PublisherOptions;
  readonly #writer: Writer;

  private constructor(options: PublisherOptions, writer: Writer) {
    this.#options = options;
    this.#writer = writer;
  }

  /** Does not wait for a broker: the first record connects. `writer` is for tests. */
  static open(options: PublisherOptions, writer?: Writer): SignedPublisher {
    if (options.seed.length !== 32) throw new RangeError(`seed: expected 32 bytes, got ${options.seed.length}`);
    return new SignedPublisher(
      options,
      writer ?? PlainWriter.open({ brokers: options.brokers, clientId: `countersign-sdk-${options.issuer}` }),
    );
  }

  /**
   * Resolves once every in-sync replica has the record. Throws Denied for what cannot be signed, Unavailable when Kafka did not
   * acknowledge it: it may have arrived, and publishing it again with the same id is harmless.
   */
  async publish({ kind, body, id, expiresInMs, askedAtMs, what }: Publication): Promise<Published> {
    const { value, digest } = this.#seal({ kind, body, id, expiresInMs, askedAtMs, what });
    const { lane: partition, tenant, topicPrefix } = this.#options;
    const { topic } = PAYLOAD_KINDS[kind];
    const record = { topic: physicalTopic(topic, topicPrefix), partition, key: Buffer.from(utf8(tenant)), value };
    try {
      const [base] = await this.#writer.send([{ ...record, headers: { 'content-type': 'application/avro' } }]);
      if (base === undefined || base.baseOffset < 0n) throw new KafkaFault('NO_OFFSET', 'send: acknowledged without an offset');
      return { id, topic, partition, offset: base.baseOffset, digest };
    } catch (cause) {
      const code = cause instanceof KafkaFault ? cause.code : 'BROKER_UNAVAILABLE';
      throw new Unavailable(code, `kafka did not acknowledge the ${what}: it is not accepted`, id, { cause });
    }
  }

  async close(): Promise<void> {
    await this.#writer.close();
  }

  #seal({ kind, body, id, expiresInMs, askedAtMs, what }: Publication): { value: Buffer; digest: string } {
    const { ledger, birth, tenant, issuer, seed, lane, nowMs = Date.now } = this.#options;
    const issuedAtMs = Math.max(nowMs(), askedAtMs ?? 0);
    const lastMs = askedAtMs === undefined ? Infinity : askedAtMs + ASKED_WITHIN_MS;
    const expiresAtMs = Math.min(issuedAtMs + expiresInMs, lastMs);
    const head = { ledger, birth, tenant, issuer, id, issuedAtMs, askedAtMs, expiresAtMs, blind: randomBytes(32) };
    try {
      const envelope = sealEnvelope({ kind, body, head, seed, lane });
      return { value: codecs.signedEnvelope.encode(envelope), digest: sha256Hex(envelope.payload) };
    } catch (error) {
      throw new Denied('DENY_MALFORMED', `${what} cannot be signed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
