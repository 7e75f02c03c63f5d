/** Controls published at once, then confirmed by the receipts of their entries: nothing is read before they are sent. */
import { type ControlAnswer, ControlConfirmation, type ControlRecord, publishControls, type SentControl } from '#adapters';
import type { Statement } from '#domain';

import type { Context } from './context.ts';
import { CliError, COULD_NOT_TELL, explain, INVALID } from './errors.ts';

/** Unit ms, without any lane's receipt: running services answer in milliseconds, a killed one's lanes are taken over within ten seconds. */
const CONFIRM_MAX_MS = 30_000;

export interface LaneAnswer {
  readonly lane: number;
  /** entered: its receipt is verified; missing: published, and no receipt yet; unsent: the broker did not take it. */
  readonly state: 'entered' | 'refused' | 'missing' | 'unsent';
  /** Why, in the ledger's or the broker's words. */
  readonly detail?: string;
  /** The first entry that was made from it. */
  readonly statement?: Statement;
}

/** What is needed of the command's context. */
export type Publishing = Pick<Context, 'home' | 'openReader' | 'openWriter' | 'progress'>;

export interface Asking {
  /** Until when a lane may be silent, unit ms. */
  readonly confirmMaxMs?: number;
  /** This lane first: when it refuses, no other is asked. */
  readonly first?: number;
}

/**
 * Published before anything is read, so that what must stop stops now; a lane that the broker does not take keeps no other waiting.
 * One answer for each record, in the order of the lanes.
 */
export async function askEveryLane(context: Publishing, records: readonly ControlRecord[], asking: Asking = {}): Promise<LaneAnswer[]> {
  const first = records.filter(({ lane }) => lane === asking.first);
  const others = records.filter(({ lane }) => lane !== asking.first);
  const { home } = context;
  const withinMs = asking.confirmMaxMs ?? CONFIRM_MAX_MS;
  const reader = await context.openReader();
  const writer = context.openWriter();
  try {
    const lanes = [...new Set(records.map(({ lane }) => lane))];
    const onProgress = context.progress("the control is published; looking for the key of the tenant's log in the lane's receipts");
    const confirmation = await ControlConfirmation.start({ home, reader, lanes, onProgress });
    const answers = await confirmed(confirmation, await publish(context, writer, first), withinMs);
    if (answers.some(({ state }) => state === 'refused')) return answers;
    answers.push(...(await confirmed(confirmation, await publish(context, writer, others), withinMs)));
    return answers.sort((a, b) => a.lane - b.lane);
  } finally {
    await Promise.allSettled([reader.close(), writer.close()]);
  }
}

/** Publishes controls and resolves with the entry of each, in the order of the lanes. Throws CliError: a refusal is "invalid". */
export async function enter(
  context: Publishing,
  records: readonly ControlRecord[],
): Promise<(LaneAnswer & { readonly statement: Statement })[]> {
  const answers = await askEveryLane(context, records);
  const refused = answers.find(({ state }) => state === 'refused');
  if (refused) throw new CliError(refusalOf(refused, records), INVALID);
  const unsent = answers.find(({ state }) => state === 'unsent');
  if (unsent) throw new CliError(`lane ${unsent.lane}: the broker did not take the control: ${unsent.detail ?? ''}`, COULD_NOT_TELL);
  const missing = answers.filter(({ state }) => state === 'missing').length;
  if (missing > 0) {
    const what = `no receipt of ${missing} of ${answers.length} controls after ${CONFIRM_MAX_MS / 1000} s`;
    throw new CliError(`${what}: they are published, and count once a decider reads them; start decider and notary (npm start)`);
  }
  return answers.flatMap((answer) => (answer.statement ? [{ ...answer, statement: answer.statement }] : []));
}

function refusalOf({ lane, detail = '' }: LaneAnswer, records: readonly ControlRecord[]): string {
  const record = records.find((each) => each.lane === lane);
  const tenant = record ? Buffer.from(record.key).toString() : '';
  if (detail.endsWith('(unknown-tenant)')) return `the ledger has no tenant ${tenant}: countersign tenant add ${tenant} registers it`;
  return `${record?.id ?? 'control'} on lane ${lane}: the ledger refused it with ${detail}`;
}

type Sent = SentControl | { readonly lane: number; readonly unsent: string };

const publish = (context: Publishing, writer: ReturnType<Publishing['openWriter']>, records: readonly ControlRecord[]): Promise<Sent[]> =>
  Promise.all(
    records.map(async (record): Promise<Sent> => {
      try {
        const [published] = await publishControls(context.home, writer, [record]);
        if (published) return { ...published, record };
        return { lane: record.lane, unsent: 'not published' };
      } catch (error) {
        return { lane: record.lane, unsent: explain(error) };
      }
    }),
  );

async function confirmed(confirmation: ControlConfirmation, sent: readonly Sent[], withinMs: number): Promise<LaneAnswer[]> {
  const published = sent.filter((one): one is SentControl => !('unsent' in one));
  const answers = await confirmation.answers(published, withinMs);
  const unsent = sent.flatMap((one): LaneAnswer[] => ('unsent' in one ? [{ lane: one.lane, state: 'unsent', detail: one.unsent }] : []));
  return [...unsent, ...published.map(({ lane }, at) => laneAnswer(lane, answers[at]))];
}

function laneAnswer(lane: number, answer: ControlAnswer = { state: 'missing' }): LaneAnswer {
  if (answer.state === 'refused') return { lane, state: 'refused', detail: answer.detail };
  if (answer.state === 'missing') return { lane, state: 'missing' };
  return { lane, state: 'entered', statement: answer.statement };
}
