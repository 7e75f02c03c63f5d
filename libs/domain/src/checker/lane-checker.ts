import type { LedgerBirth, LaneState } from '../decide/state.ts';
import type { Checkpoint } from '../formats/checkpoint.ts';
import { emptyLane } from '../decide/state.ts';
import { allTrees, LedgerBroken, treeAt, type LaneHeads, type TreeHead } from '../ledger/heads.ts';
import type { WireCodec } from '../ledger/record.ts';
import { SealedBatches, type SealedBatch, type SealedEntry } from '../ledger/sealed-batch.ts';
import type { RestoredRange } from '../ledger/void.ts';
import type { PolicyEngine } from '../policy/types.ts';
import { placeMac } from '../ledger/source.ts';
import { Claimed } from './claimed.ts';
import { Citations, type Acknowledgement, type TopicHoldings } from './citations.ts';
import { Dates } from './dates.ts';
import { Permits } from './permits.ts';
import { Receipts } from './receipts.ts';
import { Replay, type ReplayInput } from './replay.ts';
import type { Findings, InvariantId } from './report.ts';
import { Roots, signedBy } from './roots.ts';

export interface LaneCheckerOptions {
  readonly birth: LedgerBirth;
  readonly lane: number;
  readonly wire: WireCodec;
  readonly engine: PolicyEngine;
  readonly findings: Findings;
  /** The input of an entry, opened; asked once for each group, of its first part. */
  readonly inputOf: (entry: SealedEntry) => ReplayInput;
  /** Before a group made from a control is decided again: judges the bundle it may hold. */
  readonly prepare: (state: LaneState, value: Uint8Array | null | undefined) => Promise<void> | undefined;
}

/** What a check cannot decide by itself, because the ledger may still be growing. */
export interface Remainder {
  /** Inputs without a decision and entries without a receipt. */
  readonly pending: number;
  readonly receipts: number;
  /** Entries whose input was erased, as the ledger says itself. */
  readonly erased: number;
  /** Entries whose input is gone otherwise, or that another engine decided. */
  readonly unreplayable: number;
  /** Signed tree heads beyond the end that was read. */
  readonly headsAhead: number;
}

/** What holds up to a record that does not fit need not hold on the lane. */
const UNTOLD_WHEN_BROKEN: readonly InvariantId[] = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I10', 'I11'];

/**
 * Checks one lane from genesis: first every ledger record, then heads and receipts, then what the input topics hold. The one checker:
 * `verify ledger`, `doctor`, and every fault and system test end with it.
 */
export class LaneChecker {
  readonly heads: LaneHeads;
  readonly #batches: SealedBatches;
  readonly #citations: Citations;
  readonly #claimed: Claimed;
  readonly #dates: Dates;
  readonly #permits: Permits;
  readonly #replay: Replay;
  readonly #roots: Roots;
  readonly #receipts: Receipts;
  readonly #findings: Findings;
  #broken = false;
  #headsAhead = 0;
  entries = 0;

  constructor(private readonly options: LaneCheckerOptions) {
    const { birth, lane, wire, engine, findings } = options;
    this.heads = emptyLane(birth, lane).heads;
    this.#findings = findings;
    this.#batches = new SealedBatches(this.heads, wire);
    this.#citations = new Citations(findings);
    this.#dates = new Dates(birth.rules, findings);
    this.#permits = new Permits(findings);
    this.#replay = new Replay(birth, lane, engine, wire, findings);
    this.#roots = new Roots(findings);
    this.#claimed = new Claimed(this.#roots, wire, findings);
    this.#receipts = new Receipts(this.heads, this.#roots, this.#dates, findings);
  }

  /** What an operator has signed of entries that were written again. Called before the first record. */
  restored(ranges: readonly RestoredRange[]): void {
    this.#dates.restored(ranges);
  }

  /**
   * The next record of `ledger`, and when the broker appended it, where that is known. After the first that does not fit nothing more is looked at:
   * what follows proves nothing.
   */
  async record(value: Uint8Array | null, appendedAtMs?: number): Promise<void> {
    if (this.#broken) return;
    this.#dates.record(appendedAtMs);
    let batch: SealedBatch | undefined;
    try {
      batch = this.#batches.push(value);
    } catch (error) {
      if (!(error instanceof LedgerBroken)) throw error;
      this.#broken = true;
      this.#findings.violated(BROKEN_AS[error.code] ?? 'I2', error.message);
      return;
    }
    if (!batch) return;
    this.entries += batch.entries.length;
    this.#findings.checked('I1', batch.entries.length);
    this.#findings.checked('I2', batch.entries.length);
    this.#findings.checked('I5', batch.entries.length);
    this.#roots.note(this.heads, batch);
    this.#dates.entries(batch.entries);
    for (const entry of batch.entries) this.#permits.note(entry);
    for (const group of groupsOf(batch)) await this.#group(group);
  }

  /** A record of `checkpoints` that claims to be a tree head; unsigned ones are noise. */
  head({ origin, checkpoint: note }: { readonly origin: string; readonly checkpoint: Uint8Array }): void {
    const tree = allTrees(this.heads).find((each) => each.origin === origin);
    if (!tree || this.#broken) return;
    const signed = signedBy(tree, note);
    // A head signed after the ledger's end was read is beyond what can be compared here.
    if (!signed) return;
    if (signed.size > BigInt(tree.range.size)) this.#beyond(tree, signed);
    else this.#roots.signed(signed);
  }

  /** A log that is closed grows no more: whoever signs beyond its end has its old key, and no entry stands behind it. */
  #beyond({ origin, range }: TreeHead, { size }: Checkpoint): void {
    if (this.heads.closed.has(origin))
      this.#findings.noted('I10', `${origin} was closed at size ${range.size}, and its old key signed size ${size}: it counts for nothing`);
    else this.#headsAhead += 1;
  }

  /** The next record of `receipts`, and when the broker appended it, where that is known. */
  receipt(tenant: string, proof: Uint8Array, appendedAtMs?: number): void {
    if (!this.#broken) this.#receipts.push(tenant, proof, appendedAtMs);
  }

  /** Returns what is still to come: inputs without a decision and entries without a receipt. */
  finish(holdings: readonly TopicHoldings[], acks: readonly Acknowledgement[] | undefined): Remainder {
    if (this.#batches.pendingCount > 0) this.#findings.violated('I5', `lane ${this.options.lane}: the ledger ends inside a batch`);
    const receipts = this.#receipts.count;
    const { places, entries: erased } = this.#replay.unreplayable.erased();
    for (const place of places) this.#findings.noted('I7', `UNREPLAYABLE(erased): ${place}`);
    const unreplayable = this.#replay.unreplayable.unexplained();
    if (this.#broken) {
      const why = `lane ${this.options.lane}: nothing was looked at past the record that does not fit`;
      for (const id of UNTOLD_WHEN_BROKEN) this.#findings.unknown(id, why);
      return { pending: 0, receipts, erased, unreplayable, headsAhead: this.#headsAhead };
    }
    this.#dates.finish();
    const undecided = this.#citations.compare(holdings);
    if (acks) this.#citations.acknowledged(acks, this.options.lane);
    return { pending: undecided + this.#receipts.pending(), receipts, erased, unreplayable, headsAhead: this.#headsAhead };
  }

  async #group(group: readonly SealedEntry[]): Promise<void> {
    const [first] = group;
    const last = group.at(-1);
    if (!first || !last) return;
    this.#citations.cite(last);
    const { source } = first;
    const input = source.kind === 'tick' ? { value: undefined, inputKey: undefined } : this.options.inputOf(first);
    if (source.kind === 'record' && source.topic === 'controls') await this.options.prepare(this.#replay.state, input.value);
    this.#checkPlace(first, input.inputKey);
    this.#checkClaim(first, input.value);
    this.#replay.group(group, input);
  }

  #checkClaim(entry: SealedEntry, value: Uint8Array | null | undefined): void {
    if ((entry.kind !== 'claim.granted' && entry.kind !== 'claim.refused') || !value) return;
    const tree = treeAt(this.heads, entry.record.tenant, entry.statement.predicate.origin);
    if (tree) this.#claimed.check(entry, value, tree);
  }

  /** The place stands beside E, under the decider's seal alone; its MAC is in E, which the log's own key attested. */
  #checkPlace({ source, statement: { predicate } }: SealedEntry, inputKey: Uint8Array | undefined): void {
    if (source.kind === 'tick' || source.mac === undefined || inputKey === undefined) return;
    if (source.mac !== placeMac(inputKey, source))
      this.#findings.violated(
        'I3',
        `${predicate.origin} index ${predicate.index}: another place beside the entry than the one it was made from`,
      );
  }
}

const BROKEN_AS: Partial<Record<LedgerBroken['code'], 'I1' | 'I2' | 'I3'>> = { INDEX: 'I1', SEQUENCE: 'I1', SOURCE: 'I3' };

function groupsOf({ entries }: SealedBatch): SealedEntry[][] {
  const groups: SealedEntry[][] = [];
  for (const entry of entries) {
    if (entry.statement.predicate.source.part === 0) groups.push([entry]);
    else groups.at(-1)?.push(entry);
  }
  return groups;
}
