import { parseTime } from '../formats/time.ts';
import type { Predicate } from '../ledger/entry.ts';
import { entryName } from '../ledger/entry-name.ts';
import { permitOf } from '../ledger/permit.ts';
import type { SealedEntry } from '../ledger/sealed-batch.ts';
import { text } from '../ledger/text.ts';
import type { Findings } from './report.ts';

interface Unclaimed {
  readonly action: string;
  readonly executors: readonly string[];
  readonly executeByMs: number;
}
/** Swept of those that are over when they have doubled, and not before there are so many. */
const SWEEP_FROM = 10_000;

/**
 * The part of I7 that entries alone prove, also where the claim's input is gone: each granted claim cites a permit of its own log, for the same
 * action, that names its executor, that was not over, and that no claim before it was granted for.
 */
export class Permits {
  readonly #unclaimed = new Map<string, Unclaimed>();
  #sweepAt = SWEEP_FROM;

  constructor(private readonly findings: Findings) {}

  /** Called for each entry, in order. */
  note({ kind, statement: { predicate, subject } }: SealedEntry): void {
    const action = subject[0].name;
    if (kind === 'action.decided' || kind === 'escalation.settled') this.#permitted(action, predicate);
    else if (kind === 'claim.granted') this.#granted(action, predicate);
  }

  #permitted(action: string, predicate: Predicate): void {
    const isYes = predicate.verdict === 'ALLOW' || predicate['outcome'] === 'ALLOW_APPROVED';
    const permit = isYes ? permitOf(predicate) : undefined;
    if (!permit) return;
    const { executors, executeBy } = permit;
    this.#unclaimed.set(entryName(predicate.origin, predicate.index), { action, executors, executeByMs: parseTime(executeBy) });
    if (this.#unclaimed.size >= this.#sweepAt) this.#sweep(parseTime(predicate.decidedAt));
  }

  #granted(action: string, predicate: Predicate): void {
    const decision = text(predicate['decision']);
    const place = entryName(predicate.origin, decision);
    const permit = this.#unclaimed.get(place);
    this.#unclaimed.delete(place);
    const executor = text(predicate['executor']);
    const isGood = permit?.action === action && permit.executors.includes(executor) && parseTime(predicate.decidedAt) < permit.executeByMs;
    if (isGood) return;
    const fault = permit ? 'is another action’s, names other executors, or was over' : 'permits nothing, or was claimed before';
    this.findings.violated(
      'I7',
      `${predicate.origin} index ${predicate.index}: a claim of ${executor} was granted, and the entry that it cites, index ${decision}, ${fault}`,
    );
  }

  #sweep(nowMs: number): void {
    for (const [place, { executeByMs }] of this.#unclaimed) if (nowMs >= executeByMs) this.#unclaimed.delete(place);
    this.#sweepAt = Math.max(SWEEP_FROM, 2 * this.#unclaimed.size);
  }
}
