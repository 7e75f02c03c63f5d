/** A consistency proof as a file: one base64 hash a line, as in the add-checkpoint request of C2SP tlog-witness. Empty for equal sizes. */
import { base64, fromBase64, fromUtf8 } from './bytes.ts';
import { type Checkpoint, verifyCheckpoint } from './checkpoint.ts';
import { FormatError } from './errors.ts';
import { HASH_BYTES } from './merkle.ts';
import { verifyConsistency } from './merkle-verify.ts';
import { checkQuorum } from './quorum.ts';
import { parseNote } from './signed-note.ts';
import type { Trust } from './trust-file.ts';

export class ConsistencyFileError extends FormatError<'MALFORMED' | 'QUORUM'> {}

/** `part` is the file that is refused, 'fit' when each is right by itself. Code and message are those of `cause`. */
export class GrowthError extends FormatError {
  constructor(
    readonly part: 'old' | 'next' | 'proof' | 'fit',
    cause: FormatError,
  ) {
    super(cause.code, cause.message, { cause });
  }
}

/** What C2SP tlog-witness allows; a tree of 2^63 leaves needs no more. */
const HASHES_MAX = 63;

export function formatConsistency(proof: readonly Uint8Array[]): string {
  if (proof.length > HASHES_MAX || proof.some((hash) => hash.length !== HASH_BYTES)) throw malformed('not a list of hashes');
  return proof.map((hash) => `${base64(hash)}\n`).join('');
}

/** Reads exactly what formatConsistency writes. */
export function parseConsistency(bytes: Uint8Array): Uint8Array[] {
  if (bytes.length > HASHES_MAX * 45) throw malformed(`more than ${HASHES_MAX} hashes`); // 44 characters of base64 and a newline
  const lines = decode(bytes).split('\n');
  if (lines.pop() !== '') throw malformed('no final newline');
  return lines.map(parseHash);
}

/**
 * That the log of `next` begins with the log of `old`: both signed notes by the trusted key, each with its quorum, then the proof.
 * Throws GrowthError.
 */
export function verifyGrowth(
  files: { old: Uint8Array; next: Uint8Array; proof: Uint8Array },
  trust: Trust,
): { old: Checkpoint; next: Checkpoint } {
  const old = refuse('old', () => verifyTrusted(files.old, trust));
  const next = refuse('next', () => verifyTrusted(files.next, trust));
  const proof = refuse('proof', () => parseConsistency(files.proof));
  refuse('fit', () => {
    verifyConsistency({ size1: old.size, size2: next.size, root1: old.root, root2: next.root, proof });
  });
  return { old, next };
}

function refuse<T>(part: GrowthError['part'], step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw error instanceof FormatError ? new GrowthError(part, error as FormatError) : error;
  }
}

function verifyTrusted(note: Uint8Array, trust: Trust): Checkpoint {
  const checkpoint = verifyCheckpoint(note, { origin: trust.log.name, verifier: trust.log });
  if (!checkQuorum(trust, parseNote(note)).met) {
    throw new ConsistencyFileError('QUORUM', `checkpoint of size ${checkpoint.size}: quorum ${trust.quorum} is not met`);
  }
  return checkpoint;
}

function parseHash(line: string): Uint8Array {
  let hash: Uint8Array;
  try {
    hash = fromBase64(line);
  } catch (cause) {
    throw new ConsistencyFileError('MALFORMED', 'consistency proof: not canonical base64', { cause });
  }
  if (hash.length !== HASH_BYTES) throw malformed(`a hash has ${HASH_BYTES} bytes, got ${hash.length}`);
  return hash;
}

function decode(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw new ConsistencyFileError('MALFORMED', 'consistency proof: not valid utf-8', { cause });
  }
}

function malformed(what: string): ConsistencyFileError {
  return new ConsistencyFileError('MALFORMED', `consistency proof: ${what}`);
}
