import { randomBytes, randomUUID } from 'node:crypto';

import { codecs, KafkaFault, PlainWriter, physicalTopic } from '#adapters';
import { isIdentifier, sealEnvelope, utf8 } from '#domain';

import { Denied, Unavailable } from './errors.ts';
import { checkProposal, EXPIRES_IN_DEFAULT_MS, type ProposalBody } from './proposal.ts';

export interface KafkaProposerOptions {
  readonly brokers: readonly string[];
  /** The ledger's name. */
  readonly ledger: string;
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
/** Where a proposal is; its receipt names the same place. */
export interface Proposed {
  readonly id: string;
  readonly topic: 'actions';
  readonly partition: number;
  readonly offset: bigint;
}

/** Signs proposals and publishes them on `actions`. That a proposal was published permits nothing: its verdict does. */
export class KafkaProposer {
  readonly #options: KafkaProposerOptions;
  readonly #writer: Pick<PlainWriter, 'send' | 'close'>;

  private constructor(options: KafkaProposerOptions, writer: Pick<PlainWriter, 'send' | 'close'>) {
    this.#options = options;
    this.#writer = writer;
  }

  /** Does not wait for a broker: the first proposal connects. `writer` is for tests. */
  static open(options: KafkaProposerOptions, writer?: Pick<PlainWriter, 'send' | 'close'>): KafkaProposer {
    if (options.seed.length !== 32) throw new RangeError(`seed: expected 32 bytes, got ${options.seed.length}`);
    return new KafkaProposer(
      options,
      writer ?? PlainWriter.open({ brokers: options.brokers, clientId: `countersign-sdk-${options.issuer}` }),
    );
  }

  /**
   * Resolves once every in-sync replica has the proposal. Throws Denied for what cannot be a proposal, Unavailable when Kafka did not
   * acknowledge it: it may have arrived, and proposing it again with the same id is harmless.
   */
  async propose(body: ProposalBody, options: { readonly id?: string; readonly expiresInMs?: number } = {}): Promise<Proposed> {
    const { id = randomUUID(), expiresInMs = EXPIRES_IN_DEFAULT_MS } = options;
    if (!isIdentifier(id)) throw new Denied('DENY_MALFORMED', 'id is not an identifier');
    checkProposal(body, expiresInMs);
    const value = this.#seal(body, id, expiresInMs);
    const { lane: partition, tenant, topicPrefix } = this.#options;
    const record = { topic: physicalTopic('actions', topicPrefix), partition, key: Buffer.from(utf8(tenant)), value };
    try {
      const [base] = await this.#writer.send([{ ...record, headers: { 'content-type': 'application/avro' } }]);
      if (base === undefined || base.baseOffset < 0n) throw new KafkaFault('NO_OFFSET', 'send: acknowledged without an offset');
      return { id, topic: 'actions', partition, offset: base.baseOffset };
    } catch (cause) {
      const code = cause instanceof KafkaFault ? cause.code : 'BROKER_UNAVAILABLE';
      throw new Unavailable(code, 'kafka did not acknowledge the proposal: it is not accepted', id, { cause });
    }
  }

  async close(): Promise<void> {
    await this.#writer.close();
  }

  #seal(body: ProposalBody, id: string, expiresInMs: number): Buffer {
    const { ledger, tenant, issuer, seed, lane, nowMs = Date.now } = this.#options;
    const issuedAtMs = nowMs();
    const head = { ledger, tenant, issuer, id, issuedAtMs, expiresAtMs: issuedAtMs + expiresInMs, blind: randomBytes(32) };
    try {
      return codecs.signedEnvelope.encode(sealEnvelope({ kind: 'action.proposed', body, head, seed, lane }));
    } catch (error) {
      throw new Denied('DENY_MALFORMED', `proposal cannot be signed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
