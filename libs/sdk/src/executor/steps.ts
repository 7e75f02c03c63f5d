/** One step of a granted claim: what is written down before it, what runs, and what is reported of it. */
import { EVIDENCE_MAX, isIdentifier } from '#domain';

import { EffectUnknown, type Handler, type Job, type RollbackJob, type StepReport } from './handler.ts';
import type { JournalRecord, PartState, ReportedOutcome } from './journal.ts';
import type { NoticeCode } from './notice.ts';

export interface StepContext {
  readonly job: Job;
  readonly handler: Handler;
  /** Resolves once it is on disk. */
  readonly write: (record: JournalRecord) => Promise<void>;
  readonly tell: (code: NoticeCode, detail: string) => void;
  /** Why nothing may begin any more; undefined while it may. */
  readonly whyLate: () => string | undefined;
}

/** The effect, or the way back. undefined: it is not known whether it took effect, and nothing may be reported. */
export async function runStep(
  context: StepContext,
  part: 'result' | 'rollback',
  interrupted: (PartState & { readonly state: 'running' }) | undefined,
  run: () => Promise<StepReport | undefined>,
): Promise<ReportedOutcome | undefined> {
  const { job, handler, write, tell, whyLate } = context;
  const { claim, resultBy } = job;
  if (interrupted && (handler.idempotent !== true || whyLate() !== undefined)) return notAgain(context, part);
  if (whyLate() !== undefined) return late(context, part, undefined);
  const before = interrupted ? interrupted.before : await stateOf(context, handler.before);
  if (before === FAULTY) return ended(context, part, { status: 'failed' }); // nothing has run
  await write({ kind: 'running', claim, part, resultBy, ...(before === undefined ? {} : { before }) });
  // From here on a crash leaves `running` behind: the step may have run, or half of it.
  // The hook and the disk took their time: this is the last look before the effect.
  if (whyLate() !== undefined) return interrupted ? notAgain(context, part) : late(context, part, before);
  let report: StepReport | undefined;
  let status: ReportedOutcome['status'] = 'succeeded';
  try {
    report = await run();
    checkReport(report);
  } catch (error) {
    if (error instanceof EffectUnknown) {
      tell('UNKNOWN_EFFECT', `${part}: ${error.message}`);
      return undefined;
    }
    status = 'failed';
    tell('FAILED', `${part}: ${messageOf(error)}`);
  }
  // It ran, whatever became of it: the state is read again, so the ledger shows what a failure left behind.
  const after = report?.after ?? (await stateOf(context, handler.after));
  const hashes = { before: report?.before ?? before, after: after === FAULTY ? undefined : after };
  const { evidence } = report ?? {};
  return ended(context, part, { status, ...withoutUndefined(hashes), ...(evidence ? { evidence: [...evidence] } : {}) });
}

/** It may have run, or half of it. */
function notAgain({ tell }: StepContext, part: 'result' | 'rollback'): Promise<undefined> {
  tell('INTERRUPTED', `${part}: the executor ended while it ran: it does not run again, and nothing is reported`);
  return Promise.resolve(undefined);
}

/** It has not run. After `resultBy` the ledger says that the effect is uncertain; the report that it failed settles that. */
function late(context: StepContext, part: 'result' | 'rollback', before: string | undefined): Promise<ReportedOutcome> {
  context.tell('GRANT_LATE', `${part} was not run: ${context.whyLate() ?? 'its time is over'}`);
  return ended(context, part, { status: 'failed', ...withoutUndefined({ before, after: undefined }) });
}

/** A handler that does not exist did not run; the ledger is told that there is no way back. */
export function rollbackOf({ handler, job, tell }: StepContext, operation: string): () => Promise<StepReport | undefined> {
  return async () => {
    if (!handler.rollback) {
      tell('NO_ROLLBACK', operation);
      throw new Error('this executor has no way back');
    }
    const rollbackJob: RollbackJob = { ...job, rollback: { operation } };
    return (await handler.rollback(rollbackJob)) ?? undefined;
  };
}

/** Changes nothing, so it may run again after a crash. What throws is not healthy. */
export async function checkHealth(context: StepContext, healthcheck: NonNullable<Handler['healthcheck']>): Promise<ReportedOutcome> {
  let isHealthy = false;
  try {
    isHealthy = await healthcheck(context.job);
  } catch (error) {
    context.tell('FAILED', `healthcheck: ${messageOf(error)}`);
  }
  return ended(context, 'healthcheck', { status: isHealthy ? 'succeeded' : 'failed' });
}

async function ended({ job: { claim }, write }: StepContext, part: 'result' | 'healthcheck' | 'rollback', outcome: ReportedOutcome) {
  await write({ kind: 'ran', claim, part, outcome });
  return outcome;
}

const FAULTY = Symbol('a state that could not be read');
const DIGEST = /^[0-9a-f]{64}$/;

async function stateOf({ job, tell }: StepContext, hook: Handler['before']): Promise<string | undefined | typeof FAULTY> {
  if (!hook) return undefined;
  try {
    const digest = await hook(job);
    if (DIGEST.test(digest)) return digest;
    tell('STATE_UNKNOWN', 'expected a hash of 64 hex digits');
  } catch (error) {
    tell('STATE_UNKNOWN', messageOf(error));
  }
  return FAULTY;
}

/** A handler's own words go onto the ledger and into the journal: what would be refused there is a defect, found after the effect. */
function checkReport(report: StepReport | undefined): void {
  const digests = [report?.before, report?.after, ...(report?.evidence ?? []).map(({ digest }) => digest)];
  const isSound = digests.every((digest) => digest === undefined || DIGEST.test(digest));
  const types = (report?.evidence ?? []).map(({ type }) => type);
  if (!isSound || !types.every(isIdentifier) || types.length > EVIDENCE_MAX) {
    throw new EffectUnknown('the handler reports what is no hash, or no evidence');
  }
}

/** Never what an error holds beside its message: a driver's may hold the row. */
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function withoutUndefined({ before, after }: { before: string | undefined; after: string | undefined }) {
  return { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
}
