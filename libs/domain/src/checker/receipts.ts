import { utf8 } from '../formats/bytes.ts';
import { verifyCheckpoint, type Checkpoint } from '../formats/checkpoint.ts';
import { leafHash } from '../formats/merkle.ts';
import { verifyInclusion } from '../formats/merkle-verify.ts';
import { parseProof } from '../formats/tlog-proof.ts';
import { parseVkey, type Verifier } from '../formats/vkey.ts';
import { allTrees, type LaneHeads, type TreeHead } from '../ledger/heads.ts';
import type { Dates } from './dates.ts';
import type { Findings } from './report.ts';
import type { Roots } from './roots.ts';

/** Receipts of one batch come together and share their checkpoint: its signature is checked once. */
const CHECKPOINTS_REMEMBERED = 256;

/** I4: one receipt for each entry. Inclusion under the ledger's own root at that size pins the entry, so none needs to be kept. */
export class Receipts {
  readonly #next = new Map<string, number>();
  /** By tenant, where a log of it was closed. */
  readonly #at = new Map<string, TreeHead>();
  readonly #verifiers = new Map<string, Verifier>();
  readonly #verified = new Map<string, Checkpoint>();
  count = 0;

  constructor(
    private readonly heads: LaneHeads,
    private readonly roots: Roots,
    private readonly dates: Dates,
    private readonly findings: Findings,
  ) {}

  /** In offset order of `receipts`, after the ledger was read at least as far as they say; and when the broker appended it, where that is known. */
  push(tenant: string, proof: Uint8Array, appendedAtMs?: number): void {
    const tree = this.#treeOf(tenant);
    if (!tree) {
      this.findings.violated('I5', `a receipt names tenant ${tenant}, which no entry registered`);
      return;
    }
    this.count += 1;
    this.findings.checked('I4');
    const { origin } = tree;
    try {
      const file = parseProof(proof);
      const expected = this.#next.get(origin) ?? 0;
      if (file.index !== BigInt(expected)) {
        this.findings.violated('I4', `${origin}: receipt of index ${file.index}, expected ${expected}`);
        return;
      }
      if (expected >= tree.range.size) {
        this.findings.violated('I4', `${origin}: receipt of index ${file.index}, and the ledger ends at ${tree.range.size}`);
        return;
      }
      this.#next.set(origin, expected + 1);
      const checkpoint = this.#checkpoint(file.checkpoint, origin, tree.vkey);
      const entry = file.entry ?? new Uint8Array();
      verifyInclusion({ index: file.index, size: checkpoint.size, leafHash: leafHash(entry), root: checkpoint.root, proof: file.proof });
      this.dates.receipt(origin, expected, appendedAtMs);
    } catch (error) {
      this.findings.violated('I4', `${origin}: a receipt does not verify: ${String(error)}`);
    }
  }

  /** Entries whose receipt is still to come. */
  pending(): number {
    let pending = 0;
    for (const { origin, range } of allTrees(this.heads)) pending += range.size - (this.#next.get(origin) ?? 0);
    return pending;
  }

  /** The first of the tenant's trees, in the order in which they went on, that still lacks a receipt; else its last. */
  #treeOf(tenant: string): TreeHead | undefined {
    const live = this.heads.trees.get(tenant);
    if (this.heads.closed.size === 0) return live;
    const known = this.#at.get(tenant);
    const isFull = known && (this.#next.get(known.origin) ?? 0) >= known.range.size;
    if (known && !isFull) return known;
    const first = [...this.heads.closed.values()].find(
      (tree) => tree.tenant === tenant && (this.#next.get(tree.origin) ?? 0) < tree.range.size,
    );
    const tree = first ?? live;
    if (tree) this.#at.set(tenant, tree);
    return tree;
  }

  #checkpoint(note: string, origin: string, vkey: string): Checkpoint {
    const known = this.#verified.get(note);
    if (known) return known;
    const verifier = this.#verifiers.get(vkey) ?? parseVkey(vkey);
    this.#verifiers.set(vkey, verifier);
    const checkpoint = verifyCheckpoint(utf8(note), { origin, verifier });
    this.roots.signed(checkpoint);
    const [oldest] = this.#verified.keys();
    if (this.#verified.size >= CHECKPOINTS_REMEMBERED && oldest !== undefined) this.#verified.delete(oldest);
    this.#verified.set(note, checkpoint);
    return checkpoint;
  }
}
