import { codecs } from '#adapters';
import { type EntryKind, fromUtf8, parseProof, parseStatement, type Predicate } from '#domain';

import type { MemoryBroker } from './memory-broker.ts';
import type { SimulatedInput } from './signed-inputs.ts';

/** What whoever publishes can know of the lane. */
export interface SimulatedView {
  /** Entries of these kinds that are attested so far, in order. */
  readonly attested: (...kinds: readonly EntryKind[]) => AttestedEntry[];
  /** What `controls` and `outcomes` hold. */
  readonly published: () => SimulatedInput[];
}
export interface AttestedEntry {
  readonly tenant: string;
  readonly predicate: Predicate;
  /** The .tlog-proof file. */
  readonly receipt: string;
}

export const viewOf = (broker: MemoryBroker): SimulatedView => {
  const read = (topic: string) => broker.partition({ topic, partition: 0 }).read(0n, Infinity, 'committed').records;
  return {
    attested: (...kinds) =>
      read('receipts')
        .map(({ value }) => codecs.receipt.decode(value ?? new Uint8Array()))
        .filter(({ kind }) => kinds.some((each) => each === kind))
        .map(({ tenant, proof }) => {
          const { predicate } = parseStatement(parseProof(proof).entry ?? new Uint8Array()).statement;
          return { tenant, predicate, receipt: fromUtf8(proof) };
        }),
    published: () => (['controls', 'outcomes'] as const).flatMap((topic) => read(topic).map(({ value }) => ({ topic, value }))),
  };
};
