import type { Json } from '../formats/canonical-json.ts';
import type { InputForm } from './record.ts';

/** Kinds of entry that this version writes and reads. An unknown kind stops the reader; a new one comes with a new `rules` version. */
export const ENTRY_KINDS = [
  'genesis',
  'tenant.registered',
  'log.rotated',
  'log.closed',
  'issuer.registered',
  'issuer.revoked',
  'key.added',
  'key.revoked',
  'key.rotated',
  'token.issued',
  'token.revoked',
  'bundle.activated',
  'freeze.raised',
  'freeze.lifted',
  'action.decided',
  'action.repeated',
  'escalation.settled',
  'approval.recorded',
  'claim.granted',
  'claim.refused',
  'outcome.recorded',
  'effect.uncertain',
  'effect.closed',
  'rollback.granted',
  'input.refused',
  'input.erased',
  'input.gap',
  'time.corrected',
] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

/** Those that rules 1 do not have. */
export const KINDS_SINCE_RULES_2: readonly EntryKind[] = [
  'effect.closed',
  'key.added',
  'key.revoked',
  'key.rotated',
  'log.rotated',
  'log.closed',
  'time.corrected',
];

/** What `verdicts` calls the answers to those who act: their `verdict` there. */
export const VERDICT_OF: Readonly<Record<string, string | undefined>> = {
  'claim.granted': 'claim-granted',
  'claim.refused': 'claim-refused',
  'outcome.recorded': 'outcome-recorded',
  'effect.uncertain': 'effect-uncertain',
  'effect.closed': 'effect-closed',
  'rollback.granted': 'rollback-granted',
  'log.closed': 'log-closed',
};

export type InputTopic = 'actions' | 'outcomes' | 'controls';
export const INPUT_TOPICS: readonly InputTopic[] = ['controls', 'outcomes', 'actions'];

/** What an entry was made from: a committed record of an input topic, or the passing of time. */
export type Source =
  | {
      readonly kind: 'record';
      readonly topic: InputTopic;
      readonly epoch: number;
      readonly partition: number;
      /** Decimal string. */
      readonly offset: string;
      readonly part: number;
      readonly parts: number;
      /** From rules 2 on: hex HMAC of the place under the record's input key. */
      readonly mac?: string;
    }
  | { readonly kind: 'tick'; readonly part: number; readonly parts: number };

/**
 * What E says of its source. Under rules 1 all of it; from rules 2 on no offset, which would tell a tenant how much its neighbours on the lane
 * send: a MAC instead, and the place itself is in the ledger record, beside E.
 */
export type SaidSource =
  | Omit<Extract<Source, { kind: 'record' }>, 'mac'>
  | {
      readonly kind: 'record';
      readonly topic: InputTopic;
      readonly part: number;
      readonly parts: number;
      readonly mac: string;
    }
  | { readonly kind: 'tick'; readonly part: number; readonly parts: number };

export interface Predicate {
  readonly origin: string;
  /** Decimal string. */
  readonly index: string;
  /** Hex SHA-256 of the tree's previous entry; 64 zeros for genesis. */
  readonly previous: string;
  readonly decidedAt: string;
  readonly rules: number;
  readonly engine: string;
  /** Hex digest of the bundle in force before this entry; null before the first. */
  readonly bundle: string | null;
  readonly source: SaidSource;
  readonly verdict?: string;
  readonly [member: string]: Json | SaidSource | undefined;
}

/** in-toto Statement v1; its JCS bytes are E. */
export interface Statement {
  readonly _type: 'https://in-toto.io/Statement/v1';
  readonly predicate: Predicate;
  readonly predicateType: string;
  readonly subject: readonly [{ readonly name: string; readonly digest: { readonly sha256: string } }];
}

/** One entry on its way into a tenant's tree. */
export interface Entry {
  readonly tenant: string;
  readonly kind: EntryKind;
  readonly statement: Statement;
  /** E. */
  readonly bytes: Uint8Array;
  readonly actionId: string;
  readonly inputForm: InputForm;
  /** All of it: E says less from rules 2 on. */
  readonly source: Source;
  /** Of a record refused without trusting its envelope: the tenant that the envelope names. Its word, and nothing more. */
  readonly sender?: string;
}

/** Versions of the decision semantics that this code decides and replays. A ledger keeps those that its birth names. */
export const RULES_KNOWN = [1, 2] as const;
export type Rules = (typeof RULES_KNOWN)[number];
/** What a new ledger is born under. */
export const RULES: Rules = 2;
export const ENTRY_BYTES_MAX = 16 * 1024;
