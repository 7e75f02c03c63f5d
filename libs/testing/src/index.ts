// policy
export * from './policy/test-bundle.ts';
export * from './policy/fake-engine.ts';
export * from './policy/engine-contract.ts';
export * from './policy/judge-contract.ts';

// ledgers made in memory
export * from './ledger/sealed-ledger.ts';
