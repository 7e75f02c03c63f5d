import type { OutcomeBody } from '../claims.ts';

/** A claim's steps: the effect, whether it works, and the way back. */
export type Part = OutcomeBody['kind'];
export type ReportedOutcome = Pick<OutcomeBody, 'status' | 'before' | 'after' | 'evidence'>;

/** What an executor has to remember so that nothing runs twice. Never parameters. */
export type JournalRecord =
  /**
   * Before the claim is published. `offset` is where on `verdicts` its decision is, decimal. It ends an earlier claim of the same decision:
   * that one was refused, and nothing more comes of it.
   */
  | { readonly kind: 'claimed'; readonly claim: string; readonly decision: string; readonly action: string; readonly offset: string }
  /** Before the step runs. */
  | { readonly kind: 'running'; readonly claim: string; readonly part: Part; readonly resultBy: string; readonly before?: string }
  /** It ran, with this outcome, which is to be reported. */
  | { readonly kind: 'ran'; readonly claim: string; readonly part: Part; readonly outcome: ReportedOutcome }
  /** Kafka has acknowledged the report. */
  | { readonly kind: 'reported'; readonly claim: string; readonly part: Part }
  /** Nothing more will be done for this claim. */
  | { readonly kind: 'ended'; readonly claim: string; readonly why: string }
  /** Every decision before this offset is ended, or was none of ours. */
  | { readonly kind: 'position'; readonly offset: string };

/**
 * Where the records are kept: a file (FileJournal), or a caller's own, such as a table. It has one owner at a time, the last that opened it.
 * Two owners would take one grant for theirs, and both run its effect, so an implementation must do two things:
 *
 * 1. Opening makes the journal this owner's, durably, before `load` reads anything.
 * 2. `append` makes the record durable first. Then it looks whether the journal is still this owner's, and rejects with JournalLost when it
 *    is not. In a table: `insert …` with the owner's mark, and `select` of the owner's row `for share` in the same transaction.
 *
 * So either a former owner's `append` rejects before its effect, or the new owner's `load` has the record of it. The contract suite is
 * `journalContract` in libs/testing.
 */
export interface Journal {
  /** Everything appended so far, in order; records of claims that ended before the last position may be left out. */
  load(): Promise<readonly JournalRecord[]>;
  /** Resolves once the record would survive a power cut, and the journal is still this owner's. Rejects with JournalLost when it is not. */
  append(record: JournalRecord): Promise<void>;
  close(): Promise<void>;
}

export type PartState =
  | { readonly state: 'running'; readonly resultBy: string; readonly before?: string }
  | { readonly state: 'ran' | 'reported'; readonly outcome: ReportedOutcome };

/** One claim as the journal knows it. */
export interface Remembered {
  readonly claim: string;
  readonly decision: string;
  readonly action: string;
  readonly offset: bigint;
  readonly parts: Map<Part, PartState>;
  /** Of the effect; '' before it ran. */
  resultBy: string;
  ended: boolean;
}
export interface Memory {
  readonly claims: Map<string, Remembered>;
  /** The latest claim of each decision. */
  readonly decisions: Map<string, Remembered>;
  position: bigint | undefined;
}

export function remember(records: readonly JournalRecord[]): Memory {
  const memory: Memory = { claims: new Map(), decisions: new Map(), position: undefined };
  for (const record of records) evolveMemory(memory, record);
  return memory;
}

/** Throws for a record of a claim that the journal does not know: something is missing in it. */
export function evolveMemory(memory: Memory, record: JournalRecord): void {
  if (record.kind === 'position') {
    memory.position = BigInt(record.offset);
    return;
  }
  const { claim } = record;
  if (record.kind === 'claimed') {
    const { decision, action } = record;
    const before = memory.decisions.get(decision);
    if (before) before.ended = true;
    const latest = {
      claim,
      decision,
      action,
      offset: BigInt(record.offset),
      parts: new Map<Part, PartState>(),
      resultBy: '',
      ended: false,
    };
    memory.claims.set(claim, latest);
    memory.decisions.set(decision, latest);
    return;
  }
  const known = memory.claims.get(claim);
  if (!known) throw new JournalError(`journal: ${record.kind} of a claim that it does not know: ${claim}`);
  if (record.kind === 'ended') known.ended = true;
  else if (record.kind === 'running') {
    const { resultBy, before } = record;
    if (record.part === 'result') known.resultBy = resultBy;
    known.parts.set(record.part, { state: 'running', resultBy, ...(before === undefined ? {} : { before }) });
  } else if (record.kind === 'ran') known.parts.set(record.part, { state: 'ran', outcome: record.outcome });
  else {
    const part = known.parts.get(record.part);
    if (!part || part.state === 'running') throw new JournalError(`journal: reported before it ran: ${claim}`);
    known.parts.set(record.part, { state: 'reported', outcome: part.outcome });
  }
}

/** The records without which a claim would be forgotten that may still come up again. */
export function stillNeeded(records: readonly JournalRecord[]): JournalRecord[] {
  const { claims, position } = remember(records);
  const isNeeded = ({ ended, offset }: Remembered): boolean => !ended || offset >= (position ?? 0n);
  const needed = new Set([...claims.values()].filter(isNeeded).map(({ claim }) => claim));
  const kept = records.filter((record) => record.kind !== 'position' && needed.has(record.claim));
  return position === undefined ? kept : [{ kind: 'position', offset: String(position) }, ...kept];
}

export class JournalError extends Error {
  override readonly name: string = 'JournalError';
}

/** Another executor has opened the journal since: this one must not begin anything more. */
export class JournalLost extends JournalError {
  override readonly name = 'JournalLost';
}
