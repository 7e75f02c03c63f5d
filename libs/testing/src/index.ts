// policy
export * from './policy/test-bundle.ts';
export * from './policy/standard-bundle.ts';
export * from './policy/fake-engine.ts';
export * from './policy/engine-contract.ts';
export * from './policy/judge-contract.ts';

// ledgers made in memory
export * from './ledger/attested-lane.ts';
export * from './ledger/sealed-ledger.ts';

// one lane, decided in memory
export * from './lane/parties.ts';
export * from './lane/entry-schema.ts';
export * from './lane/lane-topics.ts';
export * from './lane/memory-lane.ts';
export * from './lane/forged-permit.ts';
export * from './lane/stated.ts';
export * from './lane/topic-reader.ts';
export { ActingLane } from './golden/acting-lane.ts';
export { readGolden } from './golden/files.ts';
export { STORIES, WRITTEN } from './golden/stories.ts';

// decider and notary over a log in memory, in an order that a seed chooses
export * from './simulation/index.ts';

// processes, as two containers have them
export * from './process/child.ts';

// what a journal must do, whatever keeps it
export * from './executor/journal-contract.ts';
