import { randomUUID } from 'node:crypto';

import { isIdentifier } from '#domain';

import { Denied } from './errors.ts';
import { checkProposal, EXPIRES_IN_DEFAULT_MS, type ProposalBody } from './proposal.ts';
import { type Published, type PublisherOptions, SignedPublisher, type Writer } from './publish.ts';

export type KafkaProposerOptions = PublisherOptions;
/**
 * Which action this is. An id of your own comes with the time at which the action was first asked for, which you keep beside it: proposed again
 * with both it is the same action for ever. Neither: a new action.
 */
export type AskedOnce = { readonly id: string; readonly askedAt: Date } | { readonly id?: undefined; readonly askedAt?: undefined };
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
   * acknowledge it: it may have arrived, and proposing it again with the same id and the same `askedAt` is harmless.
   */
  async propose(body: ProposalBody, options: AskedOnce & { readonly expiresInMs?: number } = {}): Promise<Proposed> {
    const { id = randomUUID(), askedAt, expiresInMs = EXPIRES_IN_DEFAULT_MS } = options;
    if (!isIdentifier(id)) throw new Denied('DENY_MALFORMED', 'id is not an identifier');
    if (options.id !== undefined && askedAt === undefined) {
      throw new Denied('DENY_MALFORMED', 'an id of your own needs askedAt: when this action was first asked for, the same each time');
    }
    checkProposal(body, expiresInMs);
    const asked = { id, askedAtMs: askedAt?.getTime() };
    const published = await this.#publisher.publish({ kind: 'action.proposed', body, ...asked, expiresInMs, what: 'proposal' });
    return { ...published, topic: 'actions' };
  }

  async close(): Promise<void> {
    await this.#publisher.close();
  }
}
