import type { Json, PayloadOf } from '#domain';

import type { OutcomeBody } from '../claims.ts';

export type Evidence = NonNullable<OutcomeBody['evidence']>[number];

/** A granted claim: what is to be done, until when. */
export interface Job {
  readonly tenant: string;
  readonly actionId: string;
  /** Of this claim alone: a good key for an effect that must not be applied twice. */
  readonly claim: string;
  /** Leaf index of the decision, decimal. */
  readonly decision: string;
  /** The proposal that was decided, byte for byte the one whose digest the receipt proves. */
  readonly proposal: PayloadOf<'action.proposed'>;
  readonly parameters: Readonly<Record<string, Json>>;
  /** Without a result by then the ledger says that the effect is uncertain. */
  readonly resultBy: string;
}
/** The way back that was approved with the change. */
export interface RollbackJob extends Job {
  readonly rollback: { readonly operation: string };
}

/** What a step may say of itself. Its own `before` and `after` (64 hex digits) stand in place of the hooks': read in one transaction with the effect. */
export interface StepReport {
  readonly before?: string;
  readonly after?: string;
  /** Digests of proofs that stay with the executor, at most 8. */
  readonly evidence?: readonly Evidence[];
}
type Step<T, J = Job> = (job: J) => T | Promise<T>;
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- an async function without a return is a good handler
type Reported = StepReport | undefined | void;

/** How one operation of a connector is carried out. What throws has failed, unless it throws EffectUnknown. */
export interface Handler {
  /** The effect. Runs only after this executor's own claim was granted. */
  run: Step<Reported>;
  /** Hash of the state that the effect changes: stateHash, rowsHash. Also around a rollback. They change nothing. */
  before?: Step<string>;
  after?: Step<string>;
  /** Whether it works: asked after a result that succeeded, where the permit obliges to it. It changes nothing, and may be asked again. */
  healthcheck?: Step<boolean>;
  /** Runs only on the ledger's own rollback.granted for this claim. */
  rollback?: Step<Reported, RollbackJob>;
  /**
   * Running `run` or `rollback` again for the same claim does no harm: then an executor that was killed in the middle runs it again. Otherwise
   * it never does, and the effect becomes uncertain on the ledger.
   */
  idempotent?: boolean;
}
/** Connector → operation → handler. '' for operations of no connector. */
export type Handlers = Readonly<Record<string, Readonly<Record<string, Handler>>>>;

/** Thrown by a step that cannot know whether it took effect (a lost connection in a commit). Nothing is reported: the ledger says uncertain. */
export class EffectUnknown extends Error {
  override readonly name = 'EffectUnknown';
}

export function handlerOf(handlers: Handlers, { connector = '', operation }: { connector?: string | undefined; operation: string }) {
  const operations = Object.hasOwn(handlers, connector) ? handlers[connector] : undefined;
  return operations && Object.hasOwn(operations, operation) ? operations[operation] : undefined;
}
