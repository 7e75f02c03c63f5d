/** A receipt says: this log committed to this entry at this index. Verified offline, with keys the verifier brought. */
import { CanonicalJsonError, isIntegerSafeDeep, type Json, JSON_DEPTH_MAX, parseCanonical } from './canonical-json.ts';
import { equalBytes, utf8 } from './bytes.ts';
import { type Checkpoint, CheckpointError, verifyCheckpoint } from './checkpoint.ts';
import { FormatError } from './errors.ts';
import { leafHash } from './merkle.ts';
import { ProofError, verifyInclusion } from './merkle-verify.ts';
import { checkQuorum } from './quorum.ts';
import { NoteError, parseNote } from './signed-note.ts';
import { parseProof, TlogProofError } from './tlog-proof.ts';
import type { Trust } from './trust-file.ts';
import { parseVkey, type Verifier } from './vkey.ts';

export type ReceiptCode =
  | 'MALFORMED' // not a proof file, or its checkpoint not a checkpoint
  | 'WRONG_ORIGIN' // another log than the pinned one
  | 'UNKNOWN_KEY' // not signed by the pinned key
  | 'BAD_SIGNATURE' // signed in a known key's name, but not by it
  | 'QUORUM' // too few of the trusted witnesses cosigned
  | 'NO_ENTRY' // neither in the file nor given
  | 'ENTRY_DIFFERS' // the file carries another entry than the one given
  | 'NOT_INCLUDED' // the proof does not lead from the entry to the root
  | 'BAD_ENTRY' // committed, but not an entry
  | 'ENTRY_ORIGIN' // the entry says it is of another log
  | 'ENTRY_INDEX'; // the entry says it is at another index

export class ReceiptError extends FormatError<ReceiptCode> {}

export type ReceiptPins = { origin: string; entry?: Uint8Array; trust?: Trust } & ({ verifier: Verifier } | { vkey: string });
/** `entry` is the verified bytes, `statement` what they parse to. */
export interface VerifiedReceipt {
  entry: Uint8Array;
  index: bigint;
  checkpoint: Checkpoint;
  statement: Json;
}

const ENTRY_BYTES = 16 * 1024; // the most a log takes, so that the base64 line stays under 64 KiB

/**
 * In this order: origin and key known, signature, cosignatures (when `trust` is given), inclusion, and only then what the entry says.
 * A given `entry` is what gets verified; otherwise the file's own. Throws ReceiptError; a bad `vkey` throws VkeyError or KeyError.
 */
export function verifyReceipt(proofBytes: Uint8Array, pins: ReceiptPins): VerifiedReceipt {
  const verifier = 'verifier' in pins ? pins.verifier : parseVkey(pins.vkey);
  const file = refuse(() => parseProof(proofBytes));
  const note = utf8(file.checkpoint);
  const checkpoint = refuse(() => verifyCheckpoint(note, { origin: pins.origin, verifier }));
  if (pins.trust !== undefined) checkTrust(note, pins.trust, verifier);
  const entry = pins.entry ?? file.entry;
  if (entry === undefined) throw new ReceiptError('NO_ENTRY', 'receipt carries no entry and none was given');
  refuse(() => {
    verifyInclusion({ index: file.index, size: checkpoint.size, leafHash: leafHash(entry), root: checkpoint.root, proof: file.proof });
  });
  if (file.entry !== undefined && !equalBytes(entry, file.entry)) throw new ReceiptError('ENTRY_DIFFERS', 'receipt carries another entry');
  return { entry, index: file.index, checkpoint, statement: parseStatement(entry, checkpoint.origin, file.index) };
}

function checkTrust(note: Uint8Array, trust: Trust, verifier: Verifier): void {
  if (trust.log.vkey !== verifier.vkey) throw new ReceiptError('UNKNOWN_KEY', 'trust file is for another log');
  if (!refuse(() => checkQuorum(trust, parseNote(note))).met) throw new ReceiptError('QUORUM', `quorum ${trust.quorum} is not met`);
}

function parseStatement(entry: Uint8Array, origin: string, index: bigint): Json {
  if (entry.length > ENTRY_BYTES) throw new ReceiptError('BAD_ENTRY', `an entry has at most ${ENTRY_BYTES} bytes`);
  const statement = refuse(() => parseCanonical(entry, { maxDepth: JSON_DEPTH_MAX }));
  const predicate = member(statement, 'predicate');
  if (member(statement, '_type') !== 'https://in-toto.io/Statement/v1' || !isIntegerSafeDeep(statement)) {
    throw new ReceiptError('BAD_ENTRY', 'entry is not an in-toto statement of safe integers');
  }
  if (member(predicate, 'origin') !== origin) throw new ReceiptError('ENTRY_ORIGIN', `entry is not of ${origin}`);
  if (member(predicate, 'index') !== index.toString()) throw new ReceiptError('ENTRY_INDEX', `entry is not at index ${index}`);
  return statement;
}

function member(value: Json | undefined, key: string): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, key)) return undefined;
  return value[key];
}

/** Turns the refusals of the parts into the receipt's own codes; anything else is a defect and passes through. */
function refuse<T>(step: () => T): T {
  try {
    return step();
  } catch (cause) {
    const code = codeOf(cause);
    throw code === undefined ? cause : new ReceiptError(code, `receipt: ${(cause as Error).message}`, { cause });
  }
}

function codeOf(cause: unknown): ReceiptCode | undefined {
  if (cause instanceof TlogProofError) return 'MALFORMED';
  if (cause instanceof CheckpointError) return cause.code === 'ORIGIN' ? 'WRONG_ORIGIN' : 'MALFORMED';
  if (cause instanceof NoteError) {
    return cause.code === 'BAD_SIGNATURE' ? 'BAD_SIGNATURE' : cause.code === 'NO_KNOWN_KEY' ? 'UNKNOWN_KEY' : 'MALFORMED';
  }
  if (cause instanceof ProofError) return 'NOT_INCLUDED';
  return cause instanceof CanonicalJsonError ? 'BAD_ENTRY' : undefined;
}
