import { codecs, textOf } from '#adapters';
import { type LogKeys, originOf, type Predicate, type Statement, systemTree, verifyReceipt } from '#domain';

/**
 * Counts what a notary published on `receipts` of one lane already, in offset order. Others may write there: only what our own keys signed
 * counts, for a tree of this lane, and each index once and in its turn. A copy of a real receipt, here or from another lane, is none.
 */
export class PublishedReceipts {
  count = 0;
  ignored = 0;
  /** Trees of this lane, as verified entries name them, with the next index of each. */
  readonly #trees = new Map<string, { readonly origin: string; next: bigint }>();
  /** A log.rotated whose log.closed is next. */
  #announced: Predicate | undefined;

  constructor(private readonly of: { readonly lane: number; readonly keys: LogKeys; readonly system: { readonly origin: string } }) {
    this.#trees.set(systemTree(of.lane), { origin: of.system.origin, next: 0n });
  }

  push(value: Uint8Array | null): void {
    const statement = this.#verified(value);
    if (!statement) {
      this.ignored += 1;
      return;
    }
    this.count += 1;
    const { predicateType, predicate } = statement;
    if (predicateType === 'urn:countersign:tenant.registered:v1') this.#open(textOf(predicate, 'registers'), predicate);
    else if (predicateType === 'urn:countersign:log.rotated:v1') this.#announced = predicate;
    else if (predicateType === 'urn:countersign:log.closed:v1' && this.#announced) {
      this.#open(textOf(this.#announced, 'rotates'), this.#announced);
      this.#announced = undefined;
    }
  }

  #open(tenant: string, predicate: Predicate): void {
    const { keys } = this.of;
    const origin = originOf(keys.ledger, textOf(predicate, 'logId'));
    keys.isOurs(origin, textOf(predicate, 'vkey'));
    this.#trees.set(tenant, { origin, next: 0n });
  }

  /** undefined when it is not the receipt that comes next in its tree. */
  #verified(value: Uint8Array | null): Statement | undefined {
    if (!value) return undefined;
    try {
      const { tenant, leafIndex, proof } = codecs.receipt.decode(value);
      const tree = this.#trees.get(tenant);
      if (tree?.next !== BigInt(leafIndex)) return undefined;
      const { index, statement } = verifyReceipt(proof, { origin: tree.origin, vkey: this.of.keys.vkey(tree.origin) });
      if (index !== tree.next) return undefined;
      tree.next += 1n;
      return statement as unknown as Statement;
    } catch {
      return undefined;
    }
  }
}
