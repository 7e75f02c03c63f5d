import type { Entry, InputTopic } from '../ledger/entry.ts';
import type { WireCodec } from '../ledger/record.ts';
import type { LedgerBirth } from './state.ts';
import type { Count } from '../policy/limit.ts';
import type { Bundle, PolicyEngine } from '../policy/types.ts';

/** One thing to decide: a committed record of an input topic, or the passing of time. */
export type Input =
  | {
      readonly kind: 'record';
      readonly topic: InputTopic;
      readonly offset: bigint;
      /** The exact Kafka value; null for a tombstone. */
      readonly value: Uint8Array | null;
      /** 32 random bytes drawn for part 0. */
      readonly inputKey: Uint8Array;
    }
  | { readonly kind: 'tick' };

export type SignatureCheck = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

/** What decide needs from outside, all of it as data or as pure functions. */
export interface DecideContext {
  /** Wall clock of the lane, POSIX milliseconds. */
  readonly nowMs: number;
  readonly engine: PolicyEngine;
  readonly wire: Pick<WireCodec, 'decodeEnvelope'>;
  /** Answers as ed25519Verify does, which it is unless somebody has asked ahead. */
  readonly verify?: SignatureCheck;
  /** The ledger's birth as the configuration pins it. */
  readonly birth: LedgerBirth;
}

/** What evolve takes from the input because the entry must not hold it. */
export interface InputFacts {
  /** First 16 bytes of the request digest. */
  readonly requestDigest?: Uint8Array;
  readonly bundle?: Bundle;
  /** The person whom the actor says it acts for: may not approve what it asked. */
  readonly actingFor?: string;
  /** What the action adds to cumulative limits, if its entry says that it counts. */
  readonly counts?: readonly Count[];
}

/** What evolve looks at of an entry: the live path has it from `decide`, a replay from the ledger. */
export type EvolvedEntry = Pick<Entry, 'tenant' | 'kind' | 'statement' | 'bytes' | 'source'> & { readonly leaf?: Uint8Array };

export interface Decided {
  /** In part order, the entries of one tree one after the other. Empty only for a tick when nothing is due. */
  readonly entries: readonly Entry[];
  readonly facts: InputFacts;
  /** A record refused without trusting its envelope: its bytes go to `dead-letters`. */
  readonly deadLetter: boolean;
}

export const REQUEST_DIGEST_BYTES = 16; // 64-bit collision strength against a second payload under one id, at half the memory

/** Something that only an operator can resolve: the lane stops and says so. */
export class LaneHalted extends Error {
  override readonly name = 'LaneHalted';
  constructor(
    readonly code: 'NOT_INITIALISED' | 'INPUT_GAP' | 'UNREADABLE' | 'TAIL_LOST' | 'FORKED' | 'TOPIC_SETTINGS' | 'DUE_FIRST' | 'GUARD_TAKEN',
    message: string,
  ) {
    super(message);
  }
}
