import { type NextAfterNo, nextAfterNo } from '#domain';

/** Why there is no permission to act. Every one of them means no; there is no option that turns one into yes. */
export class NotAllowed extends Error {
  readonly code: string;
  /** What is left to do, in the words of docs/reasons.md, which alone decide it. Nothing says what would be allowed. */
  readonly next: NextAfterNo | 'wait';

  constructor(code: string, message: string, next: NextAfterNo | 'wait', options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.next = next;
  }
}

/** Decided, and not in favour; or refused before a decision. `reasons` are the ledger's, `receipt` its proof, where there is one. */
export class Denied extends NotAllowed {
  readonly reasons: readonly string[];
  readonly receipt: string | undefined;

  constructor(code: string, message: string, reasons: readonly string[] = [], receipt?: string) {
    super(code, message, nextAfterNo(code));
    this.reasons = reasons;
    this.receipt = receipt;
  }
}

/** Too late: the proposal's time, the approval's or the permit's has passed. Propose anew, with another id. */
export class Expired extends Denied {}

/** Not decided yet, or waiting for people. Look again with the same id; do not act. */
export class Pending extends NotAllowed {
  readonly id: string;
  readonly receipt: string | undefined;

  constructor(code: string, message: string, id: string, receipt?: string) {
    super(code, message, 'wait');
    this.id = id;
    this.receipt = receipt;
  }
}

/** Nobody answered, or nobody that can be believed. The same id may be proposed again: it is decided once. */
export class Unavailable extends NotAllowed {
  readonly id: string;

  constructor(code: string, message: string, id: string, options?: ErrorOptions) {
    super(code, message, nextAfterNo(code, 'GATEWAY_UNAVAILABLE'), options);
    this.id = id;
  }
}
