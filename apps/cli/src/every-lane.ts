/** Controls that stand on every lane: published at once, then confirmed lane by lane. */
import {
  type ControlRecord,
  LedgerFacts,
  LedgerFollower,
  otherRecord,
  PlainWriter,
  type PublishedControl,
  publishControls,
} from '#adapters';

import type { Context } from './context.ts';
import { explain } from './errors.ts';

/** Unit ms, without any lane's entry: a running decider answers in milliseconds, a killed one's lanes are taken over within ten seconds. */
const CONFIRM_MAX_MS = 30_000;

export interface LaneAnswer {
  readonly lane: number;
  /** entered: it is on the ledger; missing: published and not decided yet; unsent: the broker did not take it. */
  readonly state: 'entered' | 'refused' | 'missing' | 'unsent';
  /** Why, in the ledger's or the broker's words. */
  readonly detail?: string;
}

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
export async function askEveryLane(context: Context, records: readonly ControlRecord[], asking: Asking = {}): Promise<LaneAnswer[]> {
  const first = records.filter(({ lane }) => lane === asking.first);
  const others = records.filter(({ lane }) => lane !== asking.first);
  const writer = PlainWriter.open({ brokers: context.brokers, clientId: 'countersign-cli' });
  const confirm = await Confirmation.start(context, asking.confirmMaxMs ?? CONFIRM_MAX_MS);
  try {
    const answers = await confirm.answers(first, await publish(context, writer, first));
    if (answers.some(({ state }) => state === 'refused')) return answers;
    answers.push(...(await confirm.answers(others, await publish(context, writer, others))));
    return answers.sort((a, b) => a.lane - b.lane);
  } finally {
    await Promise.allSettled([confirm.close(), writer.close()]);
  }
}

type Sent = PublishedControl | { readonly lane: number; readonly unsent: string };

const publish = (context: Context, writer: PlainWriter, records: readonly ControlRecord[]): Promise<Sent[]> =>
  Promise.all(
    records.map(async (record): Promise<Sent> => {
      try {
        const [published] = await publishControls(context.home, writer, [record]);
        if (published) return published;
        return { lane: record.lane, unsent: 'not published' };
      } catch (error) {
        return { lane: record.lane, unsent: explain(error) };
      }
    }),
  );

class Confirmation {
  readonly #facts = new LedgerFacts();
  #isRead = false;

  private constructor(
    private readonly context: Context,
    private readonly follower: LedgerFollower,
    private readonly confirmMaxMs: number,
  ) {}

  static async start(context: Context, confirmMaxMs: number): Promise<Confirmation> {
    return new Confirmation(context, await LedgerFollower.open(context.home, context.brokers), confirmMaxMs);
  }

  async answers(records: readonly ControlRecord[], sent: readonly Sent[]): Promise<LaneAnswer[]> {
    if (records.length === 0) return [];
    if (!this.#isRead) await this.context.read(this.follower, this.#facts); // however long that takes, it is no silence
    this.#isRead = true;
    const published = sent.filter((one): one is PublishedControl => !('unsent' in one));
    const isOpen = ({ lane, offset }: PublishedControl): boolean => this.#facts.decidedUpTo('controls', lane) <= offset;
    const started = performance.now();
    while (published.some(isOpen) && performance.now() - started < this.confirmMaxMs) {
      for (const entry of await this.follower.poll(100)) this.#facts.add(entry);
    }
    return sent.map((one): LaneAnswer => {
      if ('unsent' in one) return { lane: one.lane, state: 'unsent', detail: one.unsent };
      if (isOpen(one)) return { lane: one.lane, state: 'missing' };
      const answer = this.#facts.controlAnswer(one.lane, one.offset, one.digest);
      if (typeof answer === 'object') return { lane: one.lane, state: 'refused', detail: answer.refused };
      if (answer === 'other') return { lane: one.lane, state: 'missing', detail: otherRecord(one.lane, one.offset) };
      return { lane: one.lane, state: 'entered' };
    });
  }

  close(): Promise<void> {
    return this.follower.close();
  }
}
