export * from './file-journal.ts';
export type { Place } from './follow.ts';
export { EffectUnknown, type Evidence, type Handler, type Handlers, type Job, type RollbackJob, type StepReport } from './handler.ts';
export { type Journal, JournalError, JournalLost, type JournalRecord } from './journal.ts';
export type { Notice, NoticeCode } from './notice.ts';
export { onVerdict, type OnVerdictOptions, type Subscription, type VerdictHandler } from './on-verdict.ts';
export { type Executor, type ExecutorOptions, openExecutor } from './open.ts';
export { type QueryRows, rowsHash, stateHash } from './state-hash.ts';
