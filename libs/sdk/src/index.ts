/** What agent platforms and executors import: docs/sdk.md. Browsers import ./verify.ts alone. */
export { type Decision, demandAllowed } from './answer.ts';
export * from './claims.ts';
export * from './errors.ts';
export * from './http-proposer.ts';
export * from './kafka-proposer.ts';
export * from './proposal.ts';
export * from './verdict.ts';
export * from './verify.ts';
export * as executor from './executor/index.ts';
export * from './executor/index.ts';
