/** C2SP tlog-checkpoint without extension lines: `<origin>\n<tree size>\n<base64 root>\n`, in a signed note named like the origin. */
import { base64, fromBase64 } from './bytes.ts';
import { parseU64, U64_MAX } from './decimal.ts';
import { FormatError } from './errors.ts';
import { equalBytes } from './bytes.ts';
import { EMPTY_ROOT, HASH_BYTES } from './merkle.ts';
import { parseNote, signNote, verifyNote } from './signed-note.ts';
import { isKeyName, type Verifier } from './vkey.ts';

export class CheckpointError extends FormatError<'MALFORMED' | 'SIZE' | 'ORIGIN' | 'ROOT'> {}

/** `size` is in leaves, `root` is 32 bytes. */
export interface Checkpoint {
  origin: string;
  size: bigint;
  root: Uint8Array;
}

export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  if (!isKeyName(origin)) throw malformed('the origin is not a key name');
  if (size < 0n || size > U64_MAX) throw new CheckpointError('SIZE', `checkpoint: size ${size} is no unsigned 64-bit number`);
  if (root.length !== HASH_BYTES) throw malformed(`a root has ${HASH_BYTES} bytes, got ${root.length}`);
  checked({ origin, size, root });
  return `${origin}\n${size}\n${base64(root)}\n`;
}

/** The body alone. Exactly three lines: witnesses refuse extensions, so we do too. */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', decimal = '', root = '', end, ...more] = text.split('\n');
  if (end !== '' || more.length > 0) throw malformed('expected exactly three lines');
  if (!isKeyName(origin)) throw malformed('the origin is not a key name');
  const size = parseU64(decimal);
  if (size === undefined) throw malformed('the size is not a canonical decimal below 2^64');
  return checked({ origin, size, root: decodeRoot(root) });
}

/** The whole signed note. Size 0 is never signed: entry 0 is the log's genesis. */
export function signCheckpoint(checkpoint: Checkpoint, seed: Uint8Array): string {
  if (checkpoint.size < 1n) throw new CheckpointError('SIZE', 'a checkpoint of size 0 is never signed');
  return signNote(formatCheckpoint(checkpoint), { name: checkpoint.origin, seed });
}

/**
 * Origin and key as the caller pinned them, then the signature, then the body. Throws CheckpointError or NoteError.
 * `verifier` must be named like the origin.
 */
export function verifyCheckpoint(noteBytes: Uint8Array, pinned: { origin: string; verifier: Verifier }): Checkpoint {
  const { origin, verifier } = pinned;
  const note = parseNote(noteBytes);
  if (verifier.name !== origin) throw new CheckpointError('ORIGIN', `checkpoint: expected a key of ${origin}, got one of ${verifier.name}`);
  if (!note.text.startsWith(`${origin}\n`)) {
    throw new CheckpointError('ORIGIN', `checkpoint: expected origin ${origin}, got ${shownOrigin(note.text)}`);
  }
  return parseCheckpoint(verifyNote(noteBytes, [verifier]).text);
}

/** The tree without leaves has one root (RFC 6962 §2.1): no log of any other is possible. */
function checked(checkpoint: Checkpoint): Checkpoint {
  if (checkpoint.size === 0n && !equalBytes(checkpoint.root, EMPTY_ROOT)) {
    throw new CheckpointError('ROOT', 'checkpoint: size 0 with another root than that of the empty tree');
  }
  return checkpoint;
}

/** Nothing is verified yet: only what any terminal can show. */
function shownOrigin(text: string): string {
  const [origin = ''] = text.split('\n', 1);
  return /^[!-~]{1,256}$/.test(origin) ? origin : 'none that can be shown';
}

function decodeRoot(text: string): Uint8Array {
  let root: Uint8Array;
  try {
    root = fromBase64(text);
  } catch (cause) {
    throw new CheckpointError('MALFORMED', 'checkpoint: the root is not canonical base64', { cause });
  }
  if (root.length !== HASH_BYTES) throw malformed(`a root has ${HASH_BYTES} bytes, got ${root.length}`);
  return root;
}

function malformed(what: string): CheckpointError {
  return new CheckpointError('MALFORMED', `checkpoint: ${what}`);
}
