/** The topics `ledger` and `receipts` of one lane, of any length, as a decider and a notary would have written them. */
import { codecs, type KafkaRecord, wire } from '#adapters';
import { emptyHeads, notarise, SealedBatches, utf8 } from '#domain';

import { recordsOf } from '../lane/topic-reader.ts';
import { type EntryDraft, type MadeBatch, SealedLedger } from './sealed-ledger.ts';

/** Entries of one batch of `fill`. */
const BATCH = 1000;

export class AttestedLane {
  readonly ledger: KafkaRecord[] = [];
  readonly receipts: KafkaRecord[] = [];
  readonly #made: SealedLedger;
  readonly #batches: SealedBatches;

  /** Born with the tenants, and nothing else on it. */
  constructor(born: NonNullable<ConstructorParameters<typeof SealedLedger>[1]>, tenants: readonly string[] = ['acme']) {
    this.#made = new SealedLedger(0, born);
    this.#batches = new SealedBatches(emptyHeads(born.birth, 0), wire);
    this.#take(this.#made.genesis());
    for (const tenant of tenants) this.#take(this.#made.tenant(tenant));
  }

  /** So many allowed actions, named `action-0` and so on, or from another number on. */
  fill(tenant: string, count: number, first = 0): this {
    for (let at = 0; at < count; at += BATCH) {
      const size = Math.min(BATCH, count - at);
      this.add(
        Array.from({ length: size }, (_, each) => ({ ...this.#made.decided(tenant, `action-${first + at + each}`), value: utf8('x') })),
      );
    }
    return this;
  }

  /** One batch, each entry made from a record of its own, or all parts of one. */
  add(entries: readonly EntryDraft[], isOneRecord = false): void {
    this.#take(this.#made.batch(isOneRecord ? [entries] : entries.map((entry) => [entry])));
  }

  /** What there is, which is forgotten here: a long lane is written in parts. */
  drain(): { readonly ledger: readonly KafkaRecord[]; readonly receipts: readonly KafkaRecord[] } {
    return { ledger: this.ledger.splice(0), receipts: this.receipts.splice(0) };
  }

  #take({ values }: MadeBatch): void {
    for (const record of recordsOf('ledger', values)) this.ledger.push({ ...record, offset: BigInt(this.ledger.length) });
    for (const batch of values.flatMap((value) => this.#batches.push(value) ?? [])) {
      for (const { sealed, origin, leafIndex, treeSize, actionId, receipt } of notarise(batch, this.#made.keys).entries) {
        const { tenant } = sealed.record;
        const value = codecs.receipt.encode({ tenant, origin, leafIndex, treeSize, actionId, kind: sealed.kind, proof: receipt });
        this.addReceipts(recordsOf('receipts', [value]));
      }
    }
  }

  /** As they are, behind those that are there. */
  addReceipts(records: readonly KafkaRecord[]): void {
    for (const record of records) this.receipts.push({ ...record, offset: BigInt(this.receipts.length) });
  }
}
