import type { BaseOffset, OutgoingRecord } from '#adapters';
import { type Acknowledgement, INPUT_TOPICS } from '#domain';

import type { MemoryBroker } from './memory-broker.ts';
import type { Choices } from './random.ts';

interface Open {
  readonly id: string;
  readonly epoch: number;
  readonly bases: BaseOffset[];
}

/** Platforms that publish in transactions of their own, which interleave, are aborted or time out: input topics then have holes too. */
export class PlatformTransactions {
  readonly #open: Open[] = [];
  #count = 0;

  constructor(private readonly broker: MemoryBroker) {}

  publish(record: OutgoingRecord, choices: Choices): void {
    if (this.#open.length === 0 || choices.chance(0.3)) {
      const id = `platform ${this.#count++}`;
      this.#open.push({ id, epoch: this.broker.initialise(id), bases: [] });
    }
    const of = choices.pick(this.#open);
    try {
      of.bases.push(this.broker.produce(of.id, of.epoch, [record]));
    } catch {
      this.#open.splice(this.#open.indexOf(of), 1); // timed out: nothing of it counts
    }
  }

  maybeEnd(choices: Choices): Acknowledgement[] {
    return this.#open.length > 0 && choices.chance(0.5) ? this.#end(choices) : [];
  }

  endAll(choices: Choices): Acknowledgement[] {
    const acks: Acknowledgement[] = [];
    while (this.#open.length > 0) acks.push(...this.#end(choices));
    return acks;
  }

  #end(choices: Choices): Acknowledgement[] {
    const of = choices.pick(this.#open);
    this.#open.splice(this.#open.indexOf(of), 1);
    const isCommitted = choices.chance(0.6);
    try {
      this.broker.end(of.id, of.epoch, isCommitted ? 'committed' : 'aborted');
    } catch {
      return []; // timed out
    }
    return isCommitted ? of.bases.flatMap(({ topic, baseOffset }) => acknowledged(topic, baseOffset)) : [];
  }
}

function acknowledged(topic: string, offset: bigint): Acknowledgement[] {
  const input = INPUT_TOPICS.find((each) => each === topic);
  return input ? [{ topic: input, partition: 0, offset }] : [];
}
