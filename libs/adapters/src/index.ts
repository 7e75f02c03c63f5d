// wire
export * from './wire/codec.ts';
export * from './wire/headers.ts';
export { WireError, type WireFault } from './wire/strict.ts';
export { AvroRecord } from './wire/avro-record.ts';
export { fingerprintOf } from './wire/single-object.ts';
export { currentSchema, SCHEMA_NAMES, type SchemaName, schemasFolder, writtenSchemas } from './wire/schemas.ts';
export * from './kafka/index.ts';
export * from './broker/index.ts';
export * from './postgres/index.ts';

// policy
export { CedarEngine } from './cedar/engine.ts';
export { BundleGate } from './cedar/bundle-gate.ts';
export { checkBundleInChild, testBundleInChild } from './cedar/check-child.ts';
export { loadBundleFolder } from './bundle/load-folder.ts';
export { loadBundle, loadBundleTests } from './bundle/load-tests.ts';

// home
export { drawKeyFile, Home, HomeError, type HomeFault, homeFolder, isLedgerKeyName } from './home/home.ts';
export { birthOf, type LedgerConfig } from './home/config.ts';
export { CONTROL_LIFETIME_MS, createLedger, type LedgerOptions, publicKeyOf } from './home/create-ledger.ts';
export { InputError, openInput, sealInput } from './home/input-crypto.ts';
export { firstAskedAt } from './home/asked.ts';
export { drawRandom } from './home/random.ts';
export { makeFolders, SECRET_FILE, SECRET_FOLDER, writeWhole } from './home/files.ts';
export { LockedError, lockFile, LockUnavailable } from './home/lock-file.ts';
export { InUse, Ownership, OwnershipLost, OwnerMark } from './home/ownership.ts';

// controls
export * from './controls/controls.ts';
export * from './controls/rotations.ts';

// births: a ledger's first records, and reading it from genesis
export * from './births/index.ts';

// controls, confirmed by their receipts
export * from './confirm/confirm-controls.ts';
export { type KeysHome, LogKeysFinder } from './confirm/log-keys.ts';
export { type FoundReceipt, receiptsOf as receiptsBetween, seekReceipt } from './confirm/seek-receipt.ts';

// guard
export { type Guard, GuardError, GuardFile, GuardTaken, type GuardedHead, readGuard } from './guard/guard-file.ts';

// the one checker, over Kafka
export * from './check/check-ledger.ts';
export * from './check/lane-times.ts';

// a way out for a lane that is halted
export * from './recover/entry-facts.ts';
export * from './recover/foreign.ts';
export * from './recover/held-receipts.ts';
export * from './recover/ledger-batches.ts';
export * from './recover/publish-void.ts';
export * from './recover/restore-tail.ts';
export * from './recover/tail.ts';
