import { INPUT_TOPICS, type InputTopic } from '../ledger/entry.ts';
import type { SealedEntry } from '../ledger/sealed-batch.ts';
import type { Findings } from './report.ts';

/** What one input topic of a lane holds now. */
export interface TopicHoldings {
  readonly topic: InputTopic;
  readonly logStart: bigint;
  /** Offsets of its committed records, ascending. */
  readonly offsets: readonly bigint[];
}
/** One produced record whose producer saw the acknowledgement. */
export interface Acknowledgement {
  readonly topic: InputTopic;
  readonly partition: number;
  readonly offset: bigint;
}

interface Cited {
  /** Of the current epoch, ascending. */
  offsets: bigint[];
  epoch: number;
  /** Ranges [from, to) that an operator declared lost. */
  gaps: { from: bigint; to: bigint }[];
}

/** I3 and I6: which input records the ledger answers. That groups are whole and within one batch, SealedBatches has checked. */
export class Citations {
  readonly #cited: Record<InputTopic, Cited>;

  constructor(private readonly findings: Findings) {
    const none = (): Cited => ({ offsets: [], epoch: 0, gaps: [] });
    this.#cited = { controls: none(), outcomes: none(), actions: none() };
  }

  /** The last part of each group, in ledger order. */
  cite({ statement: { predicate }, kind, source }: SealedEntry): void {
    if (source.kind === 'tick') return;
    const cited = this.#cited[source.topic];
    const offset = BigInt(source.offset);
    const last = cited.offsets.at(-1);
    if (source.epoch !== cited.epoch || (last !== undefined && offset <= last)) {
      this.findings.violated('I3', `${predicate.origin} index ${predicate.index}: ${source.topic} offset ${offset} out of order`);
    }
    cited.offsets.push(offset);
    this.findings.checked('I3');
    if (kind === 'input.gap') this.#gap(predicate);
  }

  /** Compares with what the topics hold; returns how many records still wait for a decision. */
  compare(holdings: readonly TopicHoldings[]): number {
    let pending = 0;
    for (const topic of INPUT_TOPICS) {
      const held = holdings.find((each) => each.topic === topic);
      if (!held) continue;
      const { offsets } = this.#cited[topic];
      const position = this.#position(topic);
      const cited = new Set(offsets);
      const present = new Set(held.offsets);
      for (const offset of held.offsets) {
        if (offset >= position) pending += 1;
        else if (!cited.has(offset) && !this.#isDeclaredLost(topic, offset))
          this.findings.violated('I3', `${topic} offset ${offset} was skipped`);
      }
      for (const offset of offsets) {
        if (offset >= held.logStart && !present.has(offset))
          this.findings.violated('I5', `${topic} offset ${offset} is cited, and no committed record`);
      }
    }
    return pending;
  }

  acknowledged(acks: readonly Acknowledgement[], lane: number): void {
    const cited = new Map(INPUT_TOPICS.map((topic) => [topic, new Set(this.#cited[topic].offsets)]));
    for (const { topic, partition, offset } of acks) {
      if (partition !== lane) continue;
      this.findings.checked('I6');
      if (cited.get(topic)?.has(offset) !== true)
        this.findings.violated('I6', `${topic}/${partition} offset ${offset} was acknowledged and is not on the ledger`);
    }
  }

  /** Where the ledger goes on: after the last record it answers, or where an operator's word says. */
  #position(topic: InputTopic): bigint {
    const { offsets, gaps } = this.#cited[topic];
    const afterLast = (offsets.at(-1) ?? -1n) + 1n;
    const afterGap = gaps.at(-1)?.to ?? 0n;
    return afterGap > afterLast ? afterGap : afterLast;
  }

  #isDeclaredLost(topic: InputTopic, offset: bigint): boolean {
    return this.#cited[topic].gaps.some(({ from, to }) => offset >= from && offset < to);
  }

  #gap(predicate: SealedEntry['statement']['predicate']): void {
    const cited = this.#cited[predicate['topic'] as InputTopic];
    const newEpoch = predicate['newEpoch'] as number;
    const isNew = newEpoch !== cited.epoch;
    cited.epoch = newEpoch;
    if (isNew) Object.assign(cited, { offsets: [], gaps: [] }); // another topic of that name: its offsets begin anew
    cited.gaps.push({ from: isNew ? 0n : BigInt(predicate['from'] as string), to: BigInt(predicate['to'] as string) });
  }
}
