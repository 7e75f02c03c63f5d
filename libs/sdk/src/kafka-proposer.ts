import { randomUUID } from 'node:crypto';

import { isIdentifier } from '#domain';

import { Denied } from './errors.ts';
import { checkProposal, EXPIRES_IN_DEFAULT_MS, type ProposalBody } from './proposal.ts';
import { type Published, type PublisherOptions, SignedPublisher, type Writer } from './publish.ts';

export type KafkaProposerOptions = PublisherOptions;
/** Where a proposal is; its receipt names the same place. */
export interface Proposed extends Published {
  readonly topic: 'actions';
}

/** Signs proposals and publishes them on `actions`. That a proposal was published permits nothing: its verdict does. */
export class KafkaProposer {
  readonly #publisher: SignedPublisher;

  private constructor(publisher: SignedPublisher) {
    this.#publisher = publisher;
  }

  /** Does not wait for a broker: the first proposal connects. `writer` is for tests. */
  static open(options: KafkaProposerOptions, writer?: Writer): KafkaProposer {
    return new KafkaProposer(SignedPublisher.open(options, writer));
  }

  /**
   * Resolves once every in-sync replica has the proposal. Throws Denied for what cannot be a proposal, Unavailable when Kafka did not
   * acknowledge it: it may have arrived, and proposing it again with the same id is harmless.
   */
  async propose(body: ProposalBody, options: { readonly id?: string; readonly expiresInMs?: number } = {}): Promise<Proposed> {
    const { id = randomUUID(), expiresInMs = EXPIRES_IN_DEFAULT_MS } = options;
    if (!isIdentifier(id)) throw new Denied('DENY_MALFORMED', 'id is not an identifier');
    checkProposal(body, expiresInMs);
    const published = await this.#publisher.publish({ kind: 'action.proposed', body, id, expiresInMs, what: 'proposal' });
    return { ...published, topic: 'actions' };
  }

  async close(): Promise<void> {
    await this.#publisher.close();
  }
}
