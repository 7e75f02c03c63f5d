import { type EntryKind, nextOf, permitOf, type Predicate, proofNames, type Statement } from '#domain';
import { ReceiptVerifier } from '#sdk';
import type { Logger } from 'pino';

import type { DecisionAnswer } from './answers.ts';
import { Problem } from './http/problem.ts';
import type { FoundEntry, Slot, SourceAt } from './index/entry-table.ts';
import type { LedgerIndex } from './index/ledger-index.ts';
import type { ReceiptReader } from './kafka/receipt-reader.ts';

/** A receipt that was verified a moment ago, with what it proves. */
export interface ShownReceipt {
  readonly tenant: string;
  readonly leafIndex: number;
  readonly kind: EntryKind;
  readonly statement: Statement;
  /** The `.tlog-proof` text. */
  readonly text: string;
}

/** Finds receipts and verifies each before it is shown: signature of the tenant's registered log, inclusion, and that it is the one asked for. */
export class Receipts {
  readonly #index: LedgerIndex;
  readonly #reader: Pick<ReceiptReader, 'read'>;
  readonly #log: Logger;
  readonly #verifier = new ReceiptVerifier();

  constructor(index: LedgerIndex, reader: Pick<ReceiptReader, 'read'>, log: Logger) {
    this.#index = index;
    this.#reader = reader;
    this.#log = log;
  }

  /** undefined when there is no such entry, it is not attested yet, or it is older than the index reaches. */
  async ofSlot(slot: Slot | undefined): Promise<ShownReceipt | undefined> {
    const entry = slot === undefined ? undefined : this.#index.entries.get(slot);
    const log = entry && this.#index.logs.get(entry.tenant, entry.generation);
    if (entry?.receiptOffset === undefined || !log) return undefined;
    const proof = await this.#reader.read(log.lane, entry.receiptOffset, entry);
    return this.#verified(proof, entry, log);
  }

  ofIndex(tenant: string, leafIndex: number): Promise<ShownReceipt | undefined> {
    return this.ofSlot(this.#index.entries.slotOf(tenant, leafIndex));
  }

  /** Entries of the tenant's own tree that may be of the payload, the newest first. */
  slotsOfPayload(tenant: string, digest: string): Slot[] {
    return this.#index.entries.slotsOf(digest).filter((slot) => this.#index.entries.get(slot)?.tenant === tenant);
  }

  /** What became of a payload: the newest entry of the tenant's own tree whose subject it is. A place would mean another record in time. */
  async ofPayload(tenant: string, digest: string): Promise<ShownReceipt | undefined> {
    for (const slot of this.slotsOfPayload(tenant, digest)) {
      const shown = await this.ofSlot(slot);
      if (shown?.statement.subject[0].digest.sha256 === digest) return shown;
    }
    return undefined;
  }

  /**
   * The refusal of bytes that no party stands behind, which has no digest that their sender knows: by the place of the record, for the tenant
   * that the bytes name, on whichever lane they are. `since`: not one that was on the ledger before, at a place of the same name.
   */
  slotOfRefusal(tenant: string, { topic, partition, offset }: Omit<SourceAt, 'epoch'>, since: Slot = 0): Slot | undefined {
    const { entries, logs } = this.#index;
    return entries.slotsFrom(topic, partition, offset).find((slot) => {
      const entry = entries.get(slot);
      if (entry?.tenant !== `_system.${partition}` || slot < since) return false;
      // Under rules 1 the ledger does not say whom they name: who lives on the lane may see them, as they hold nothing of any tenant.
      return entry.sender === undefined ? logs.get(tenant)?.lane === partition : entry.sender === tenant;
    });
  }

  async ofRefusal(tenant: string, place: Omit<SourceAt, 'epoch'>, since?: Slot): Promise<ShownReceipt | undefined> {
    const shown = await this.ofSlot(this.slotOfRefusal(tenant, place, since));
    return shown?.kind === 'input.refused' ? shown : undefined;
  }

  #verified(
    proof: Uint8Array,
    entry: FoundEntry,
    log: { origin: string; verifier: Parameters<ReceiptVerifier['verify']>[1]['verifier'] },
  ): ShownReceipt {
    try {
      const { kind, statement } = this.#verifier.verify(proof, { origin: log.origin, verifier: log.verifier });
      if (statement.predicate.index !== String(entry.leafIndex)) throw new Error(`receipt is of index ${statement.predicate.index}`);
      return { tenant: entry.tenant, leafIndex: entry.leafIndex, kind, statement, text: new TextDecoder().decode(proof) };
    } catch (error) {
      this.#log.error({ err: error, origin: log.origin, leafIndex: entry.leafIndex, alarm: true }, 'receipt does not verify: not shown');
      throw new Problem(503, 'RECEIPT_UNVERIFIED', 'the receipt on Kafka does not verify with the key of its log');
    }
  }
}

/** A verdict and everything that came of it, out of verified receipts alone. */
export function decisionAnswer(
  decision: ShownReceipt,
  more: { settlement?: ShownReceipt | undefined; repeats?: string } = {},
): DecisionAnswer {
  const { statement, kind, tenant, leafIndex, text } = decision;
  const { predicate } = statement;
  const { settlement, repeats } = more;
  const isRefusal = kind === 'input.refused';
  const permit = permitOf(predicate);
  const next = nextOf(settlement ?? decision);
  return {
    id: statement.subject[0].name,
    state: isRefusal ? 'refused' : settlement ? 'settled' : 'decided',
    verdict: isRefusal ? 'REFUSED' : stringOf(predicate, 'verdict'),
    reasons: isRefusal ? [stringOf(predicate, 'code')] : listOf(predicate, 'reasons'),
    ...(next && { next }),
    tenant,
    index: String(leafIndex),
    decidedAt: predicate.decidedAt,
    ...(typeof predicate['mode'] === 'string' && { mode: predicate['mode'] }),
    ...(permit && !settlement && { permit }),
    ...(typeof predicate['approvalDeadline'] === 'string' && { approvalDeadline: predicate['approvalDeadline'] }),
    ...(repeats !== undefined && { repeats }),
    ...(settlement && { settlement: settlementAnswer(settlement) }),
    proofs: proofNames(decision),
    receipt: text,
    links: { receipt: receiptLink(tenant, leafIndex), trust: trustLink(tenant) },
  };
}

export const receiptLink = (tenant: string, leafIndex: number): string => `/v1/receipts/${encodeURIComponent(tenant)}/${leafIndex}`;
export const trustLink = (tenant: string): string => `/v1/trust/${encodeURIComponent(tenant)}`;

function settlementAnswer(settlement: ShownReceipt): NonNullable<DecisionAnswer['settlement']> {
  const { predicate } = settlement.statement;
  const permit = permitOf(predicate);
  const outcome = stringOf(predicate, 'outcome');
  const index = String(settlement.leafIndex);
  return { outcome, index, ...(permit && { permit }), proofs: proofNames(settlement), receipt: settlement.text };
}

function stringOf(predicate: Predicate, member: string): string {
  const value = predicate[member];
  return typeof value === 'string' ? value : '';
}

function listOf(predicate: Predicate, member: string): string[] {
  const value = predicate[member];
  return Array.isArray(value) ? value.map(String) : [];
}
