/** Which key each log of a lane has: the lane's own by ledger.json, every other as a verified entry registered it. */
import { formatTrust, parseTrust, type Statement, systemTree, type Trust, verifyReceipt } from '#domain';

import type { LedgerConfig } from '../home/config.ts';
import type { ReceiptRecord } from '../wire/codec.ts';
import { textOf } from './facts.ts';

/** Entries that name the key of a log, or say that one is closed. */
export const LOG_KINDS: readonly string[] = ['tenant.registered', 'log.rotated', 'log.closed'];

export class LaneTrust {
  readonly #byTree = new Map<string, Trust>();
  readonly #byOrigin = new Map<string, Trust>();
  /** Of a log.rotated whose log.closed is to come. */
  readonly #next = new Map<string, Trust>();

  constructor(
    { systemLogs }: Pick<LedgerConfig, 'systemLogs'>,
    readonly lane: number,
  ) {
    for (const { lane: of, vkey } of systemLogs) this.#set(systemTree(of), trustIn(vkey));
  }

  /** Of the tenant's log that goes on; undefined before its registration was read. */
  of(tenant: string): Trust | undefined {
    return this.#byTree.get(tenant);
  }

  ofOrigin(origin: string): Trust | undefined {
    return this.#byOrigin.get(origin);
  }

  /** Verifies a receipt of the lane, and learns the keys that its entry names. Throws ReceiptError. */
  admit({ tenant, proof }: Pick<ReceiptRecord, 'tenant' | 'proof'>): Statement {
    const trust = this.#byTree.get(tenant);
    if (!trust) throw new Error(`receipt of ${tenant}, which ${systemTree(this.lane)} has not registered`);
    const statement = statementIn(proof, trust);
    this.#learn(tenant, statement);
    return statement;
  }

  /** A tenant's key is what a verified entry of the system's tree says it is; the system's own is in ledger.json. */
  #learn(tenant: string, { predicateType, predicate }: Statement): void {
    const named = (): Trust => trustIn(textOf(predicate, 'vkey'));
    if (predicateType === 'urn:countersign:tenant.registered:v1') this.#set(textOf(predicate, 'registers'), named());
    else if (predicateType === 'urn:countersign:log.rotated:v1') this.#next.set(textOf(predicate, 'rotates'), named());
    else if (predicateType === 'urn:countersign:log.closed:v1') {
      const next = this.#next.get(tenant);
      if (next?.log.name !== textOf(predicate, 'successor'))
        throw new Error(`the log of ${tenant} was closed, and no log.rotated named the next`);
      this.#set(tenant, next);
    }
  }

  #set(tenant: string, trust: Trust): void {
    this.#byTree.set(tenant, trust);
    this.#byOrigin.set(trust.log.name, trust);
  }
}

export const trustIn = (vkey: string): Trust => parseTrust(formatTrust(vkey));

/** The entry that the receipt proves. Throws ReceiptError. */
export const statementIn = (proof: Uint8Array, trust: Trust): Statement =>
  verifyReceipt(proof, { origin: trust.log.name, verifier: trust.log, trust }).statement as unknown as Statement;
