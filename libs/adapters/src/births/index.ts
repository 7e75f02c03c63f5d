export * from './births.ts';
export * from './facts.ts';
export * from './follow.ts';
export * from './lane-receipts.ts';
export { BirthError, confirmControls, publishControls, type PublishedControl, untilDecided, type Waiting } from './publish.ts';
