import { type Guard, LedgerBatches, OffsetOutOfRange, type FetchedPartition, type LogReader, type Log, type ReadVoids } from '#adapters';
import {
  allTrees,
  copyHeads,
  hex,
  LaneHalted,
  type LaneHeads,
  rangeRoot,
  type SignedTreeHead,
  type TreeHead,
  type WireCodec,
} from '#domain';

/** Size in leaves and hex root of a tree, as it was signed. */
export interface GuardedRoot {
  readonly size: number;
  readonly root: string;
}

/**
 * What this notary has ever signed, as far as it knows: its own guard, and every head on `checkpoints` that its keys signed.
 * INVARIANT: no two roots for one size are ever signed, and nothing is signed that does not extend what was.
 */
export class SignedHistory {
  readonly #guarded: Map<string, GuardedRoot>;

  private constructor(
    private readonly guard: Guard,
    signed: ReadonlyMap<string, GuardedRoot>,
  ) {
    this.#guarded = new Map(signed);
    for (const [origin, head] of guard.heads) {
      const known = this.#guarded.get(origin);
      if (known?.size === head.size && known.root !== head.root) throw forked(origin, head.size);
      if (head.size > (known?.size ?? 0)) this.#guarded.set(origin, head);
    }
  }

  static open(openGuard: (lane: number) => Guard, lane: number, signed: ReadonlyMap<string, GuardedRoot>): SignedHistory {
    let guard;
    try {
      guard = openGuard(lane);
    } catch (cause) {
      throw new LaneHalted('FORKED', `lane ${lane}: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
    return new SignedHistory(guard, signed);
  }

  /** What was signed beyond these heads. Throws LaneHalted where they contradict it. */
  beyond(heads: LaneHeads): Map<string, GuardedRoot> {
    const trees = new Map(allTrees(heads).map((tree) => [tree.origin, tree]));
    const beyond = new Map<string, GuardedRoot>();
    for (const [origin, guarded] of this.#guarded) {
      const tree = trees.get(origin);
      // What a closed log's old key signs beyond its end counts for nothing: the ledger never gets there.
      if (tree && tree.range.size < guarded.size && heads.closed.has(origin)) continue;
      if (!tree || tree.range.size < guarded.size) beyond.set(origin, guarded);
      else if (tree.range.size === guarded.size && hex(rangeRoot(tree.range)) !== guarded.root) throw forked(origin, guarded.size);
    }
    return beyond;
  }

  /** On return the heads are on disk, and may be published. Throws LaneHalted for another root at a size that was signed. */
  commit(heads: readonly SignedTreeHead[]): void {
    for (const { origin, range, root } of heads) {
      const known = this.#guarded.get(origin);
      if (known?.size === range.size && known.root !== hex(root)) throw forked(origin, range.size);
    }
    this.guard.record(heads.map(({ origin, range, root }) => ({ origin, size: range.size, root })));
    for (const { origin, range, root } of heads) {
      if (range.size > (this.#guarded.get(origin)?.size ?? 0)) this.#guarded.set(origin, { size: range.size, root: hex(root) });
    }
  }

  close(): void {
    this.guard.close();
  }
}

const forked = (origin: string, size: number): LaneHalted =>
  new LaneHalted('FORKED', `${origin}: size ${size} was signed with another root than the ledger has now`);

export interface ReachOptions {
  readonly reader: LogReader;
  readonly topic: string;
  readonly from: bigint;
  /** Not changed. */
  readonly heads: LaneHeads;
  readonly wire: WireCodec;
  readonly voids: ReadVoids;
  /** The ledger is another one than was attested: what it does not hold now will not come by itself. */
  readonly isDisplaced: boolean;
  readonly signal: AbortSignal;
  readonly log: Log;
}

const FETCH = { maxWaitMs: 500, minBytes: 1, maxBytesPerPartition: 8 * 1024 * 1024 };

/**
 * Reads the ledger ahead, and signs nothing, until the trees recomputed from it have reached everything in `beyond`, with its roots.
 * Waits for as long as the ledger is shorter than what was signed: publishing now could make a second history.
 */
export async function reach(beyond: Map<string, GuardedRoot>, options: ReachOptions): Promise<void> {
  if (beyond.size === 0) return;
  const { reader, topic, wire, voids, signal, log } = options;
  const heads = copyHeads(options.heads);
  const batches = new LedgerBatches(heads, wire, voids);
  const { lane } = heads;
  let offset = options.from;
  let isAlarmed = false;
  while (beyond.size > 0) {
    const [fetched] = await reader.fetch([{ topic, partition: lane, offset }], { ...FETCH, signal });
    if (!fetched) continue;
    for (const record of recordsOf(fetched)) {
      for (const { batch } of await batches.push(record)) {
        for (const origin of batch.before.keys()) meet(beyond, originTree(heads, origin));
      }
    }
    offset = fetched.nextOffset;
    if (beyond.size > 0 && offset >= fetched.lastStableOffset && !isAlarmed) {
      isAlarmed = true;
      const [[origin, { size }] = ['', { size: 0 }]] = beyond;
      if (options.isDisplaced)
        throw new LaneHalted(
          'TAIL_LOST',
          `${origin}: signed at size ${size}, the ledger ends before it: countersign recover --lane ${lane}`,
        );
      log.error({ lane, alarm: true, beyond: Object.fromEntries(beyond) }, 'the ledger ends before what was signed: publishing nothing');
    }
  }
}

const originTree = (heads: LaneHeads, origin: string): TreeHead | undefined => allTrees(heads).find((tree) => tree.origin === origin);

/** What was signed is the end of a batch, so the tree must have exactly that size after one. */
function meet(beyond: Map<string, GuardedRoot>, tree: TreeHead | undefined): void {
  const guarded = tree && beyond.get(tree.origin);
  if (!tree || !guarded || tree.range.size < guarded.size) return;
  if (tree.range.size > guarded.size || hex(rangeRoot(tree.range)) !== guarded.root) throw forked(tree.origin, guarded.size);
  beyond.delete(tree.origin);
}

/** Records of a fetch of the ledger; throws what keeps them from being read. */
export function recordsOf(fetched: FetchedPartition): FetchedPartition['records'] {
  const { error, topic, partition } = fetched;
  if (error instanceof OffsetOutOfRange) throw new LaneHalted('TAIL_LOST', `${topic}/${partition}: ${error.message}`);
  if (error) throw error; // also one that will pass: the lane is taken over again with fresh metadata
  return fetched.records;
}
