import type { VerifiedVerdict } from '../verdict.ts';

/** What an executor says of its work. Nothing here was run unless the notice says so. */
export type NoticeCode =
  // as it should be
  | 'CLAIMED'
  | 'GRANTED'
  | 'REPORTED'
  | 'RECORDED'
  // not run, and nothing is wrong with this executor
  | 'HELD'
  | 'NO_HANDLER'
  | 'NO_PROPOSAL'
  | 'PERMIT_EXPIRED'
  | 'PERMIT_EARLY'
  | 'BUSY'
  | 'REFUSED'
  | 'UNANSWERED'
  | 'GRANT_LATE'
  | 'GRANT_UNKNOWN'
  // somebody has to look
  | 'GRANT_MISMATCH'
  | 'NOT_SENT'
  | 'FAILED'
  | 'STATE_UNKNOWN'
  | 'UNKNOWN_EFFECT'
  | 'INTERRUPTED'
  | 'UNCERTAIN'
  | 'NO_ROLLBACK'
  | 'JOURNAL_LOST'
  | 'GAP'
  | 'LOG_CLOSED';

export interface Notice {
  readonly code: NoticeCode;
  readonly level: 'info' | 'warn' | 'alarm';
  readonly actionId: string;
  /** '' before there is one. */
  readonly claim: string;
  /** The ledger's, for REFUSED and HELD, and for PERMIT_EXPIRED after that: CLAIM_TAKEN, CLAIM_FROZEN and so on. */
  readonly reasons: readonly string[];
  readonly detail: string;
}

const INFO: ReadonlySet<NoticeCode> = new Set(['CLAIMED', 'GRANTED', 'REPORTED', 'RECORDED']);
const ALARM: ReadonlySet<NoticeCode> = new Set([
  ...(['GRANT_MISMATCH', 'NOT_SENT', 'FAILED', 'STATE_UNKNOWN', 'UNKNOWN_EFFECT'] as const),
  ...(['INTERRUPTED', 'UNCERTAIN', 'NO_ROLLBACK', 'JOURNAL_LOST', 'GAP', 'LOG_CLOSED'] as const),
]);

export const levelOf = (code: NoticeCode): Notice['level'] => (INFO.has(code) ? 'info' : ALARM.has(code) ? 'alarm' : 'warn');

/** Tells the caller's hook, each notice with its level. */
export class Teller {
  readonly #onNotice: (notice: Notice) => void;

  constructor(onNotice: (notice: Notice) => void) {
    this.#onNotice = onNotice;
  }

  /** Of a verdict; without a claim of its own it is the one that the verdict names. */
  tell(
    { actionId, statement }: VerifiedVerdict,
    code: NoticeCode,
    {
      detail = '',
      claim,
      reasons = [],
    }: { readonly detail?: string; readonly claim?: string | undefined; readonly reasons?: readonly string[] } = {},
  ): void {
    const said = statement.predicate['claim'];
    this.note({ code, actionId, claim: claim ?? (typeof said === 'string' ? said : ''), detail, reasons });
  }

  note(notice: Omit<Notice, 'level' | 'reasons'> & { readonly reasons?: readonly string[] }): void {
    this.#onNotice({ reasons: [], ...notice, level: levelOf(notice.code) });
  }
}

/** Without a hook of the caller's: one line for what is no news of success. */
export function printNotice({ code, level, actionId, claim, reasons, detail }: Notice): void {
  if (level === 'info') return;
  const said = [actionId, claim, ...reasons, detail].filter((text) => text !== '').join(' ');
  process.stderr.write(`countersign executor: ${level} ${code}: ${said}\n`);
}
