import { type FollowedEntry, LedgerFacts, textOf } from '#adapters';
import type { InputTopic } from '#domain';

/** An entry of the action that was made from a record of its own, and whose input is sealed beside it. */
export interface SealedInput {
  readonly index: number;
  readonly kind: string;
  readonly topic: InputTopic;
  readonly partition: number;
  readonly epoch: number;
  readonly offset: bigint;
  readonly decidedAt: string;
}
export interface Erasure {
  readonly index: number;
  readonly laneSeq: number;
  readonly decidedAt: string;
}

/** The ledger's facts, and on the way everything that one action has on it: what may be erased, and what was. */
export class ActionEntries extends LedgerFacts {
  readonly inputs: SealedInput[] = [];
  readonly erasures: Erasure[] = [];
  readonly erased = new Set<number>();
  /** Leaf index of an escalation that nobody has settled. */
  readonly escalations = new Set<number>();
  readonly cancelled: number[] = [];
  origin = '';
  /** Entries of the action, of whatever kind. */
  entryCount = 0;
  readonly #epochs = new Map<string, number>();

  /** `also`: leaf indexes of further entries, which name no action or another. */
  constructor(
    readonly tenant: string,
    readonly action: string,
    readonly also: ReadonlySet<number> = new Set(),
    /** Origin of a closed log of the tenant; absent: the log that goes on. */
    readonly log?: string,
  ) {
    super();
  }

  override add(entry: FollowedEntry): void {
    super.add(entry);
    const { record, statement, kind, source } = entry;
    const { origin, decidedAt } = statement.predicate;
    if (source.kind === 'record') this.#epochs.set(`${source.topic}/${source.partition}`, source.epoch);
    if (record.tenant !== this.tenant) return;
    const index = record.leafIndex;
    if (kind === 'input.erased' && this.#isMeant(statement.predicate)) {
      for (const erased of statement.predicate['erases'] as readonly string[]) this.erased.add(Number(erased));
      if (record.actionId === this.action) this.erasures.push({ index, laneSeq: record.laneSeq, decidedAt });
      return;
    }
    if (this.log !== undefined && origin !== this.log) return;
    if (kind === 'genesis') this.#begin();
    this.origin = origin;
    if (record.actionId !== this.action && !this.also.has(index)) return;
    this.entryCount += 1;
    if (textOf(statement.predicate, 'approvalDeadline') !== '') this.escalations.add(index);
    if (kind === 'escalation.settled') this.#settled(statement.predicate);
    if (source.kind === 'record' && record.inputForm === 'sealed') {
      const { topic, partition, epoch, offset } = source;
      this.inputs.push({ index, kind, topic, partition, epoch, offset: BigInt(offset), decidedAt });
    }
  }

  /** Leaf indexes of inputs that anyone with the keys can still read. */
  get readable(): number[] {
    return this.inputs.map(({ index }) => index).filter((index) => !this.erased.has(index));
  }

  /** false when the topic was made again since: the offset means another record, or none. */
  isOfThisEpoch({ topic, partition, epoch }: SealedInput): boolean {
    return this.#epochs.get(`${topic}/${partition}`) === epoch;
  }

  /** Whether the indexes that it erases are of the log that is looked at. */
  #isMeant(predicate: FollowedEntry['statement']['predicate']): boolean {
    return (textOf(predicate, 'log') || predicate.origin) === (this.log ?? this.origin);
  }

  /** Another log: what the one before it held is asked for by its name. */
  #begin(): void {
    for (const list of [this.inputs, this.erasures, this.cancelled]) list.length = 0;
    this.erased.clear();
    this.escalations.clear();
    this.entryCount = 0;
  }

  #settled(predicate: FollowedEntry['statement']['predicate']): void {
    const index = Number(textOf(predicate, 'settles'));
    this.escalations.delete(index);
    if (textOf(predicate, 'outcome') === 'CANCELLED_ERASED') this.cancelled.push(index);
  }
}
