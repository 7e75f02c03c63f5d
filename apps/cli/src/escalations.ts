import { type FollowedEntry, LedgerFacts, textOf } from '#adapters';
import { personOf } from '#domain';

/** One question to people, and what came of it. */
export interface Escalation {
  readonly action: string;
  /** Leaf index of the decision that escalated. */
  readonly index: number;
  readonly issuer: string;
  readonly bindingDigest: string;
  readonly deadline: string;
  readonly summary: string;
  /** People, as the ledger counts them: ben and BEN are one. */
  readonly approvals: Set<string>;
  /** How it ended, and at which leaf index; undefined while it is open. */
  outcome?: { readonly word: string; readonly index: number };
}

/** The ledger's facts, and on the way every escalation of one tenant. */
export class Escalations extends LedgerFacts {
  readonly byIndex = new Map<number, Escalation>();

  constructor(readonly tenant: string) {
    super();
  }

  override add(entry: FollowedEntry): void {
    super.add(entry);
    const { record, statement, kind } = entry;
    if (record.tenant !== this.tenant) return;
    const { predicate } = statement;
    const deadline = textOf(predicate, 'approvalDeadline');
    if (kind === 'action.decided' && deadline !== '') this.#asked(entry, deadline);
    else if (kind === 'approval.recorded' && textOf(predicate, 'vote') === 'approve')
      this.byIndex.get(Number(textOf(predicate, 'decision')))?.approvals.add(personOf(textOf(predicate, 'by')));
    else if (kind === 'escalation.settled') {
      const escalation = this.byIndex.get(Number(textOf(predicate, 'settles')));
      if (escalation) escalation.outcome = { word: textOf(predicate, 'outcome'), index: record.leafIndex };
    }
  }

  #asked({ record, statement: { predicate } }: FollowedEntry, deadline: string): void {
    const { leafIndex: index, actionId: action } = record;
    const { kind, id } = predicate['actor'] as unknown as { readonly kind: string; readonly id: string };
    const what = [textOf(predicate, 'class'), textOf(predicate, 'connector'), textOf(predicate, 'operation')].filter((word) => word !== '');
    this.byIndex.set(index, {
      ...{ action, index, deadline, approvals: new Set<string>(), issuer: textOf(predicate, 'issuer') },
      ...{ bindingDigest: textOf(predicate, 'bindingDigest'), summary: `${kind} ${id} asks for ${what.join(' ')}` },
    });
  }
}
