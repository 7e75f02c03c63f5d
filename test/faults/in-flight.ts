/** Work that is under way while a key changes: a question to people, a permit that nobody claimed, and a claim that nobody reported of. */
import { randomBytes, randomUUID } from 'node:crypto';

import { type CheckedReceipt, codecs, executorKey, type Home, LaneReceipts, PlainWriter } from '#adapters';
import { type InputTopic, laneOf, type PayloadKind, sealEnvelope, utf8 } from '#domain';
import type { ProposalBody } from '#sdk';

import { client, until } from '../support/kafka.ts';
import { citationOf, recordWrite } from '../support/world.ts';

/** Of the standard bundle's `record.write`. */
export const WRITER = 'crm-writer';
/** Unit ms. */
const LIFETIME_MS = 300_000;
const DIGEST = 'ab'.repeat(32);

/** Above what is refunded without people. */
const refund: ProposalBody = {
  actor: { kind: 'agent', id: 'agent-7' },
  class: 'refund.issue',
  connector: 'payments',
  operation: 'refund',
  parameters: { tenantId: 'acme', account: 'support-refunds', order: 'o-1', amountMinor: 6000, currency: 'EUR' },
  resource: { type: 'account', id: 'support-refunds' },
};

/** Hands a proposal over, and tells the receipt of its decision. */
export type Proposing = (body: ProposalBody) => Promise<CheckedReceipt>;
export interface Work {
  readonly question: CheckedReceipt;
  readonly permit: CheckedReceipt;
  readonly claim: { readonly decision: string; readonly claim: string };
}
interface Signed {
  readonly kind: PayloadKind;
  readonly topic: InputTopic;
  readonly issuer: string;
  readonly seed: Uint8Array;
  readonly id?: string;
}

export class InFlight {
  /** Under which name the home has the executor's key. */
  writerKey: string;

  private constructor(
    private readonly home: Home,
    private readonly tenant: string,
    private readonly writer: PlainWriter,
    private readonly receipts: LaneReceipts,
  ) {
    this.writerKey = executorKey(WRITER, tenant);
  }

  static async open(home: Home, brokers: readonly string[], tenant: string): Promise<InFlight> {
    const receipts = await LaneReceipts.open(home, brokers, laneOf(tenant, home.config.lanes));
    return new InFlight(home, tenant, PlainWriter.open(client([...brokers])), receipts);
  }

  async close(): Promise<void> {
    await Promise.all([this.writer.close(), this.receipts.close()]);
  }

  /** As the tenant's platform signs it, under the key of that name. */
  proposing(key = `platform-${this.tenant}`): Proposing {
    const issuer = `platform-${this.tenant}`;
    return (body) => this.#say(body, { kind: 'action.proposed', topic: 'actions', issuer, seed: this.home.key(key) });
  }

  async begin(propose: Proposing): Promise<Work> {
    const [question, permit, toClaim] = [await propose(refund), await propose(recordWrite), await propose(recordWrite)];
    const claim = randomUUID();
    const granted = await this.claim(toClaim, { id: claim });
    if (granted !== 'claim.granted') throw new Error(`before any key changed: ${granted}`);
    return { question, permit, claim: { decision: toClaim.statement.predicate.index, claim } };
  }

  /** What becomes of a claim, in words. */
  async claim(
    of: CheckedReceipt,
    {
      executor = WRITER,
      key = executor === WRITER ? this.writerKey : executorKey(executor, this.tenant),
      id = randomUUID(),
    }: { readonly executor?: string; readonly key?: string; readonly id?: string } = {},
  ): Promise<string> {
    const body = { decision: of.statement.predicate.index, receipt: Buffer.from(of.record.proof).toString() };
    return said(await this.#say(body, { kind: 'claim.requested', topic: 'outcomes', issuer: executor, seed: this.home.key(key), id }));
  }

  /** What becomes of the report of a claim, in words. */
  async report(work: Work): Promise<string> {
    const body = { ...work.claim, kind: 'result', status: 'succeeded', before: DIGEST, after: DIGEST };
    return said(
      await this.#say(body, { kind: 'outcome.reported', topic: 'outcomes', issuer: WRITER, seed: this.home.key(this.writerKey) }),
    );
  }

  /** How the question ended. */
  async settlementOf({ question }: Pick<Work, 'question'>): Promise<CheckedReceipt> {
    const { index } = question.statement.predicate;
    return this.#find(
      `the end of question ${index}`,
      ({ kind, statement: { predicate } }) => kind === 'escalation.settled' && predicate['settles'] === index,
    );
  }

  /** Of the record whose payload has this digest. */
  decisionOf(digest: string): Promise<CheckedReceipt> {
    return this.#find(`the decision of ${digest}`, ({ statement }) => statement.subject[0].digest.sha256 === digest);
  }

  async #say(body: object, { kind, topic, issuer, seed, id = randomUUID() }: Signed): Promise<CheckedReceipt> {
    const lane = laneOf(this.tenant, this.home.config.lanes);
    const issuedAtMs = Date.now();
    const head = { ...this.home.bound(), tenant: this.tenant, issuer, id, issuedAtMs, expiresAtMs: issuedAtMs + LIFETIME_MS };
    const value = Buffer.from(
      codecs.signedEnvelope.encode(sealEnvelope({ kind, body, head: { ...head, blind: randomBytes(32) }, seed, lane })),
    );
    const record = { topic: this.home.topic(topic), partition: lane, key: Buffer.from(utf8(this.tenant)), value, headers: {} };
    const [sent] = await this.writer.send([record]);
    const at = `${topic}/${lane}/${sent?.baseOffset ?? -1n}`;
    return this.#find(`the receipt of ${at}`, (each) => citationOf(each) === at);
  }

  #find(what: string, isMeant: (receipt: CheckedReceipt) => boolean): Promise<CheckedReceipt> {
    return until(what, async () => {
      await this.receipts.catchUp();
      return this.receipts.all.find(isMeant);
    });
  }
}

/** The kind, and why where it is a no. */
export function said({ kind, statement: { predicate } }: CheckedReceipt): string {
  const { reasons, code, outcome } = predicate as { reasons?: string[]; code?: string; outcome?: string };
  return [kind, ...(kind === 'claim.refused' ? (reasons ?? []) : []), code, kind === 'escalation.settled' ? outcome : undefined]
    .filter((word) => word !== undefined)
    .join(' ');
}
