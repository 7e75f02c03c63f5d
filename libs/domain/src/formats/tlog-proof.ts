/** C2SP tlog-proof: entry, index, inclusion proof and signed checkpoint in one text that verifies offline. */
import { base64, concat, fromBase64, fromUtf8, hashFromBase64, utf8 } from './bytes.ts';
import { parseU64, U64_MAX } from './decimal.ts';
import { FormatError } from './errors.ts';
import { HASH_BYTES } from './merkle.ts';

export class TlogProofError extends FormatError<'MALFORMED' | 'TOO_LARGE'> {}

/** `entry` travels as `extra`, which nothing authenticates until its leaf hash is proved. `checkpoint` is the signed note, verbatim. */
export interface TlogProof {
  entry?: Uint8Array;
  index: bigint;
  proof: Uint8Array[];
  checkpoint: string;
}

const HEADER = 'c2sp.org/tlog-proof@v1';
/** Readers in other languages scan by line with 64 KiB buffers. */
const LINE_BYTES_MAX = 64 * 1024 - 1;
/** Depth of a tree of 2^64 leaves. */
const PROOF_HASHES_MAX = 64;
/** Two lines of the largest size, and the checkpoint's note. */
const PROOF_BYTES_MAX = 1024 * 1024;

export function formatProof({ checkpoint, ...file }: TlogProof): string {
  return formatHead(file, base64) + checkpoint;
}

/** The bytes of formatProof for entries under one checkpoint. Their proofs share most hashes: each is spelled once. */
export function proofsUnder(checkpoint: string): (file: Omit<TlogProof, 'checkpoint'>) => Uint8Array {
  const spelled = new Map<Uint8Array, string>();
  const spell = (hash: Uint8Array): string => {
    let text = spelled.get(hash);
    if (text === undefined) spelled.set(hash, (text = base64(hash)));
    return text;
  };
  const end = utf8(checkpoint); // apart: its dash would make the whole text one of two bytes a character
  return (file) => concat(utf8(formatHead(file, spell)), end);
}

function formatHead({ entry, index, proof }: Omit<TlogProof, 'checkpoint'>, spell: (hash: Uint8Array) => string): string {
  if (index < 0n || index > U64_MAX) throw malformed(`index ${index} is no unsigned 64-bit number`);
  if (proof.length > PROOF_HASHES_MAX || proof.some((hash) => hash.length !== HASH_BYTES)) throw malformed('not a list of hashes');
  let text = HEADER;
  if (entry !== undefined) {
    if (entry.length === 0) throw malformed('an empty entry');
    const extra = `extra ${base64(entry)}`;
    if (extra.length > LINE_BYTES_MAX) throw new TlogProofError('TOO_LARGE', `a line has at most ${LINE_BYTES_MAX} bytes`);
    text += `\n${extra}`;
  }
  text += `\nindex ${index}`;
  for (const hash of proof) text += `\n${spell(hash)}`;
  return `${text}\n\n`;
}

/** Reads exactly what formatProof writes; verifies nothing. */
export function parseProof(bytes: Uint8Array): TlogProof {
  if (bytes.length > PROOF_BYTES_MAX) throw new TlogProofError('TOO_LARGE', `a proof has at most ${PROOF_BYTES_MAX} bytes`);
  const text = decode(bytes);
  const blank = text.indexOf('\n\n');
  if (blank < 0 || !text.endsWith('\n')) throw malformed('no blank line, or no final newline');
  const lines = text.slice(0, blank).split('\n');
  const checkpoint = text.slice(blank + 2);
  if (checkpoint === '') throw malformed('no checkpoint');
  if (lines.shift() !== HEADER) throw malformed(`expected ${HEADER}`);
  if (lines.some((line) => line.length > LINE_BYTES_MAX))
    throw new TlogProofError('TOO_LARGE', `a line has at most ${LINE_BYTES_MAX} bytes`);
  const entry = lines[0]?.startsWith('extra ') === true ? decodeBase64(lines.shift()?.slice('extra '.length) ?? '') : undefined;
  if (entry?.length === 0) throw malformed('an empty entry');
  const index = parseIndex(lines.shift() ?? '');
  if (lines.length > PROOF_HASHES_MAX) throw malformed(`more than ${PROOF_HASHES_MAX} hashes`);
  return { ...(entry === undefined ? {} : { entry }), index, proof: lines.map(parseHash), checkpoint };
}

function parseIndex(line: string): bigint {
  const index = line.startsWith('index ') ? parseU64(line.slice('index '.length)) : undefined;
  if (index === undefined) throw malformed('expected index and a canonical decimal below 2^64');
  return index;
}

function parseHash(line: string): Uint8Array {
  const hash = hashFromBase64(line);
  if (hash === undefined) throw malformed(`expected the canonical base64 of a hash, ${HASH_BYTES} bytes`);
  return hash;
}

function decode(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw new TlogProofError('MALFORMED', 'proof: not valid utf-8', { cause });
  }
}

function decodeBase64(text: string): Uint8Array {
  try {
    return fromBase64(text);
  } catch (cause) {
    throw new TlogProofError('MALFORMED', 'proof: not canonical base64', { cause });
  }
}

function malformed(what: string): TlogProofError {
  return new TlogProofError('MALFORMED', `proof: ${what}`);
}
