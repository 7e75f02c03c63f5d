export {
  checkLedgerTopics,
  DEMO_ACTORS,
  DEMO_TENANTS,
  executorKey,
  LANES_DEFAULT,
  LEDGER_NAME_DEFAULT,
  type NewLedger,
  openOrCreateHome,
  type Population,
  populateLedger,
  prepareLedger,
  topicPrefixFor,
} from './births.ts';
export * from './facts.ts';
export * from './follow.ts';
export * from './lane-receipts.ts';
export * from './receipt-of-sent.ts';
export * from './receipt-place.ts';
export { BirthError, confirmControls, otherRecord, publishControls, type PublishedControl, untilDecided, type Waiting } from './publish.ts';
