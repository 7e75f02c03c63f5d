/** What is on the ledger beside the verdicts, and which receipt proves it, as data. */
import { type CheckedReceipt, textOf } from '#adapters';
import { proofNames } from '#domain';

export interface ExpectedProof {
  /** For people. */
  readonly about: string;
  readonly actionId: string;
  /** As proofNames calls it. */
  readonly proof: string;
  readonly status?: 'succeeded' | 'failed';
  /** The state after is another than the state before. */
  readonly changes?: boolean;
}

const DEPLOY = 'tour-sandbox-deploy';
const RECORD = 'tour-own-record';
export const PRODUCTION = 'tour-production-deploy';

/** Both worked cases, then what the two executors did. */
export const PROOFS: readonly ExpectedProof[] = [
  { about: 'an ops agent deploys to production: people decide', actionId: PRODUCTION, proof: 'escalation queue entry' },
  { about: 'production deploy: during this incident', actionId: PRODUCTION, proof: 'incident-action receipt' },
  { about: 'production deploy: ben says yes', actionId: PRODUCTION, proof: 'approval' },
  { about: 'production deploy: now there is a permit', actionId: PRODUCTION, proof: 'escalation.settled receipt' },
  { about: 'production deploy: one executor may act, once', actionId: PRODUCTION, proof: 'claim.granted receipt' },
  { about: 'production deploy: done', actionId: PRODUCTION, proof: 'change receipt', status: 'succeeded', changes: true },
  { about: 'production deploy: it is healthy', actionId: PRODUCTION, proof: 'healthcheck receipt', status: 'succeeded' },
  { about: "an agent aims at another tenant's record", actionId: 'tour-foreign-record', proof: 'tenant-scoped denial receipt' },
  { about: 'sandbox deploy: one executor may act, once', actionId: DEPLOY, proof: 'claim.granted receipt' },
  { about: 'sandbox deploy: done', actionId: DEPLOY, proof: 'change receipt', status: 'succeeded', changes: true },
  { about: 'sandbox deploy: it does not become healthy', actionId: DEPLOY, proof: 'healthcheck receipt', status: 'failed' },
  { about: 'sandbox deploy: the approved way back is free', actionId: DEPLOY, proof: 'rollback.granted receipt' },
  { about: 'sandbox deploy: taken back', actionId: DEPLOY, proof: 'rollback receipt', status: 'succeeded', changes: true },
  { about: 'record write: one executor may act, once', actionId: RECORD, proof: 'claim.granted receipt' },
  { about: 'record write: done, state before and after', actionId: RECORD, proof: 'change receipt', status: 'succeeded', changes: true },
];

/** The verified receipt that proves it; undefined while there is none. */
export function proofOf({ actionId, proof, status, changes }: ExpectedProof, all: readonly CheckedReceipt[]): CheckedReceipt | undefined {
  return all.find(({ kind, statement }) => {
    const { predicate, subject } = statement;
    if (subject[0].name !== actionId || !proofNames({ kind, statement }).includes(proof)) return false;
    if (status !== undefined && predicate['status'] !== status) return false;
    return changes !== true || textOf(predicate, 'before') !== textOf(predicate, 'after');
  });
}
