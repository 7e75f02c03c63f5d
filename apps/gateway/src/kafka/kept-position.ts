/** Where the follower stands, kept in the index's own transaction: positions, and the heads that the next batch is checked against. */
import {
  base64,
  type CompactRange,
  decodeTree,
  emptyHeads,
  type EncodedTree,
  encodeTree,
  equalBytes,
  fromBase64,
  type LaneHeads,
  type LedgerBirth,
  rangeRoot,
} from '#domain';

import type { IndexStore } from '../index/index-store.ts';
import type { LogBook } from '../index/log-book.ts';

interface KeptLane {
  readonly nextSeq: number;
  readonly sealers: readonly string[];
}
interface KeptClosed extends EncodedTree {
  readonly successor: string;
}

export class KeptPosition {
  /** The range of each tree as it was kept last: a new one takes its place when the tree grows. */
  readonly #kept = new Map<string, CompactRange>();

  constructor(
    private readonly store: IndexStore,
    private readonly birth: LedgerBirth,
  ) {}

  /** The heads of a lane after the last batch that was kept, or before its first record. */
  heads(lane: number): LaneHeads {
    const heads = emptyHeads(this.birth, lane);
    const kept = this.store.get(`lane/${lane}`);
    if (kept === undefined) return heads;
    const { nextSeq, sealers } = JSON.parse(kept) as KeptLane;
    heads.nextSeq = nextSeq;
    heads.sealers = sealers.map(fromBase64);
    for (const [tenant, tree] of this.store.all<EncodedTree>(`head/${lane}/`)) heads.trees.set(tenant, decodeTree(tree));
    for (const [origin, tree] of this.store.all<KeptClosed>(`closed/${lane}/`)) {
      heads.closed.set(origin, { ...decodeTree(tree), successor: tree.successor });
    }
    return heads;
  }

  /** 0n when nothing was kept. */
  next(topic: string, lane: number): bigint {
    return BigInt(this.store.get(`position/${topic}/${lane}`) ?? 0);
  }

  keepNext(topic: string, lane: number, next: bigint): void {
    this.store.put(`position/${topic}/${lane}`, String(next));
  }

  keepHeads({ lane, nextSeq, sealers, trees, closed }: LaneHeads): void {
    this.store.put(`lane/${lane}`, JSON.stringify({ nextSeq, sealers: sealers.map(base64) } satisfies KeptLane));
    for (const [tenant, tree] of trees) {
      const key = `head/${lane}/${tenant}`;
      if (this.#kept.get(key) === tree.range) continue;
      this.#kept.set(key, tree.range);
      this.store.put(key, JSON.stringify(encodeTree(tree)));
    }
    for (const [origin, tree] of closed) {
      const key = `closed/${lane}/${origin}`;
      if (this.#kept.get(key) === tree.range) continue;
      this.#kept.set(key, tree.range);
      this.store.put(key, JSON.stringify({ ...encodeTree(tree), successor: tree.successor } satisfies KeptClosed));
    }
  }

  /** Where the lane was halted when it was kept: there it is halted again, and the file is not to blame. */
  get haltedLanes(): ReadonlySet<number> {
    return new Set([...this.store.all<number>('halted/')].map(([, lane]) => lane));
  }

  keepHalted(lane: number, isHalted: boolean): void {
    if (isHalted) this.store.put(`halted/${lane}`, String(lane));
    else this.store.delete(`halted/${lane}`);
  }

  clear(): void {
    this.#kept.clear();
  }
}

/** The first tree whose kept head is another than its log has signed for that size; undefined when there is none. */
export function misfit(heads: LaneHeads, logs: LogBook): string | undefined {
  for (const { origin, range } of [...heads.trees.values(), ...heads.closed.values()]) {
    const signed = logs.checkpointOf(origin);
    if (signed?.size !== BigInt(range.size)) continue; // the next batch of the tree states its root under the decider's seal
    if (!equalBytes(signed.root, rangeRoot(range))) return origin;
  }
  return undefined;
}
