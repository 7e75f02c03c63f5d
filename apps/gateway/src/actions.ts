import { randomBytes, randomUUID } from 'node:crypto';

import { KafkaFault } from '#adapters';
import { ASKED_WITHIN_MS, base64, sealEnvelope, type SignedEnvelope } from '#domain';
import { sha256Hex } from '#crypto';
import type { Logger } from 'pino';

import { type DecisionAnswer, type pendingAnswer } from './answers.ts';
import { demandActor, demandRole } from './http/credential.ts';
import { Problem } from './http/problem.ts';
import { type ProposalRequest } from './http/body.ts';
import { digestKey, placeKey, type Slot } from './index/entry-table.ts';
import type { LedgerIndex } from './index/ledger-index.ts';
import type { SigningKeys } from './signing-keys.ts';
import type { TokenFact } from './index/token-book.ts';
import type { Publisher } from './kafka/publisher.ts';
import type { ReceiptWaiters } from './kafka/receipt-waiters.ts';
import { Lru } from './lru.ts';
import { decisionAnswer, type Receipts, type ShownReceipt, trustLink } from './receipts.ts';
import type { z } from 'zod';

export type PendingAnswer = z.infer<typeof pendingAnswer>;
export interface ActionsOptions {
  /** Which ledger its proposals are for, as their heads say it. */
  readonly bound: { readonly ledger: string; readonly birth?: string };
  /** Seeds of the issuer `gateway`. */
  readonly keys: Pick<SigningKeys, 'seedFor'>;
  readonly index: LedgerIndex;
  readonly receipts: Receipts;
  readonly publisher: Publisher;
  readonly waiters: ReceiptWaiters;
  readonly log: Logger;
  readonly nowMs: () => number;
}

/** Proposals accepted here that the index has not met yet: a GET right after the POST finds them. */
const ACCEPTED_MAX = 10_000;

/** A proposal that Kafka has. */
interface Accepted {
  readonly pending: PendingAnswer;
  /** Hex SHA-256 of its payload. */
  readonly digest: string;
  /** Entries with a smaller slot were on the ledger before it was sent. */
  readonly since: Slot;
  readonly partition: number;
  readonly offset: number;
}

/** Takes proposals for the credential's tenant, signs them as the issuer `gateway`, and tells what became of them. */
export class Actions {
  readonly #options: ActionsOptions;
  readonly #accepted = new Lru<string, Accepted>(ACCEPTED_MAX);
  /** When each was first asked for, until the index knows. */
  readonly #asked = new Lru<string, number>(ACCEPTED_MAX);

  constructor(options: ActionsOptions) {
    this.#options = options;
  }

  /**
   * Resolves once Kafka has the proposal: before that nothing was accepted. After a BROKER_UNAVAILABLE it may have arrived all the same;
   * sending it again with the same id is harmless, because an id is decided once.
   */
  async propose(
    credential: TokenFact,
    request: ProposalRequest,
    options: { waitMs: number; traceparent: string | undefined },
  ): Promise<PendingAnswer | DecisionAnswer> {
    demandRole(credential, 'propose');
    demandActor(credential, request.actor);
    const { publisher, waiters, index } = this.#options;
    const { tenant } = credential;
    const id = request.id ?? randomUUID();
    const envelope = this.#seal(credential, id, request);
    const digest = sha256Hex(envelope.payload);
    const since = index.entries.nextSlot;
    const published = await publisher.publish(envelope, options.traceparent).catch((error: unknown) => this.#unpublished(error, id));
    const pending = pendingOf(tenant, id, published.partition, digest);
    const accepted: Accepted = { pending, digest, since, partition: published.partition, offset: Number(published.offset) };
    this.#accepted.set(`${tenant}\0${id}`, accepted);
    if (options.waitMs === 0) return pending;
    const keys = [digestKey(digest), placeKey({ topic: 'actions', ...accepted })];
    await waiters.wait(tenant, keys, options.waitMs, () => this.#isAttested(tenant, accepted));
    try {
      const shown = await this.#became(tenant, accepted);
      if (!shown) return pending;
      // Our key was rotated while this one was on its way: the same again, with the key that the lane admits now.
      if (this.#isOutdated(shown, envelope)) return await this.propose(credential, { ...request, id }, options);
      const answer = await this.#answer(shown);
      // What was signed in the caller's name: with it the caller proves that the receipt is about what it asked for.
      return answer.repeats === undefined ? { ...answer, proposal: base64(envelope.payload) } : answer;
    } catch (error) {
      // It was accepted: whatever keeps its receipt from being shown now, the caller must learn the id. Pending permits nothing.
      this.#options.log.warn({ err: error, partition: published.partition, digest }, 'an accepted proposal is answered as pending');
      return pending;
    }
  }

  /** By the digest of what was signed; a refusal that has none, by the place of the record, if it came after it was sent. */
  async #became(tenant: string, { digest, since, partition, offset }: Accepted): Promise<ShownReceipt | undefined> {
    const { receipts } = this.#options;
    return (await receipts.ofPayload(tenant, digest)) ?? receipts.ofRefusal(tenant, { topic: 'actions', partition, offset }, since);
  }

  #isAttested(tenant: string, { digest, since, partition, offset }: Accepted): boolean {
    const { index, receipts } = this.#options;
    const refusal = receipts.slotOfRefusal(tenant, { topic: 'actions', partition, offset }, since);
    const slots = [...receipts.slotsOfPayload(tenant, digest), ...(refusal === undefined ? [] : [refusal])];
    return slots.some((slot) => index.entries.get(slot)?.receiptOffset !== undefined);
  }

  /** Throws Problem 404. */
  async find(credential: TokenFact, id: string): Promise<PendingAnswer | DecisionAnswer> {
    demandRole(credential, 'read');
    const { index, receipts } = this.#options;
    const found = index.actions.find(credential.tenant, id);
    const decision = await receipts.ofSlot(found?.decision);
    if (decision) return decisionAnswer(decision, { settlement: await receipts.ofSlot(found?.settlement) });
    const accepted = this.#accepted.get(`${credential.tenant}\0${id}`);
    const source = found && index.entries.get(found.decision)?.source;
    if (source) return accepted?.pending ?? pendingOf(credential.tenant, id, source.partition); // not attested yet
    if (!accepted) throw new Problem(404, 'NOT_FOUND', 'no such action');
    const shown = await this.#became(credential.tenant, accepted); // refused, perhaps
    return shown ? this.#answer(shown) : accepted.pending;
  }

  /** A repeat is answered with the decision that it repeats. */
  async #answer(shown: ShownReceipt): Promise<DecisionAnswer> {
    const { index, receipts } = this.#options;
    if (shown.kind !== 'action.repeated') return decisionAnswer(shown);
    const { first, firstLog } = shown.statement.predicate;
    if (typeof first !== 'string') throw new Error(`action.repeated at index ${shown.leafIndex} names no first decision`);
    const slot = index.entries.slotOf(shown.tenant, Number(first), index.logs.generationOf(shown.tenant, firstLog));
    const decision = await receipts.ofSlot(slot);
    if (!decision || slot === undefined)
      throw new Problem(404, 'NOT_FOUND', `decided at index ${first}, which is older than this index reaches`);
    return decisionAnswer(decision, { settlement: await receipts.ofSlot(index.actions.settlementOf(slot)), repeats: first });
  }

  #isOutdated({ kind, statement }: ShownReceipt, { keyid, lane }: SignedEnvelope): boolean {
    const isRefused = kind === 'input.refused' && statement.predicate['code'] === 'REFUSED_ISSUER';
    return isRefused && keyid !== this.#options.index.gatewayKey(lane);
  }

  #seal({ tenant, token, says }: TokenFact, id: string, { body, expiresInS, askedAtMs: given }: ProposalRequest): SignedEnvelope {
    const { bound, keys, index } = this.#options;
    const lane = index.logs.get(tenant)?.lane;
    if (lane === undefined) throw new Problem(503, 'NOT_READY', 'the tenant has no log yet', { retryAfterS: 2 });
    const seed = keys.seedFor(index.gatewayKey(lane));
    const nowMs = this.#options.nowMs();
    const key = `${tenant}\0${id}`;
    // Every copy of an action says when it was first asked for: long after that the ledger refuses it by this alone.
    const askedAtMs = given ?? index.actions.askedAtOf(tenant, id) ?? this.#asked.get(key) ?? nowMs;
    this.#asked.set(key, askedAtMs);
    const issuedAtMs = Math.max(nowMs, askedAtMs);
    const expiresAtMs = Math.min(issuedAtMs + expiresInS * 1000, askedAtMs + ASKED_WITHIN_MS);
    const head = { ...bound, tenant, issuer: 'gateway', id, issuedAtMs, askedAtMs, expiresAtMs, blind: randomBytes(32) };
    try {
      // The decider believes of a proposal of ours what the ledger lets this token say, and no more.
      const named = says.rules === 1 ? body : { ...body, token };
      return sealEnvelope({ kind: 'action.proposed', body: named, head, seed, lane });
    } catch (error) {
      if (error instanceof RangeError) throw new Problem(413, 'PAYLOAD_TOO_LARGE', 'the signed proposal would exceed 128 KiB');
      throw error;
    }
  }

  #unpublished(error: unknown, id: string): never {
    if (error instanceof Problem) throw error;
    const code = error instanceof KafkaFault ? error.code : 'BROKER_UNAVAILABLE';
    this.#options.log.warn({ code, err: error }, 'a proposal was not acknowledged by Kafka');
    const detail = 'Kafka did not acknowledge the proposal: it is not accepted. Send it again with this id; it is decided once at most';
    throw new Problem(503, code, detail, { retryAfterS: 2, members: { id } });
  }
}

/** Without the place of the record: its offset would tell how much the neighbours on the lane send. */
function pendingOf(tenant: string, id: string, lane: number, digest?: string): PendingAnswer {
  const links = {
    action: `/v1/actions/${encodeURIComponent(id)}`,
    ...(digest !== undefined && { receipt: `/v1/receipts?digest=${digest}` }),
    trust: trustLink(tenant),
  };
  return { id, state: 'pending', lane, ...(digest !== undefined && { digest }), links };
}
