/** What is verified offline: files and texts that anyone may hand to a verifier. Tiles and static exports have no parser here: we only write them. */
import { sha256 } from '#crypto';
import {
  base64,
  BytesError,
  canonicalBytes,
  CanonicalJsonError,
  checkCosignature,
  checkQuorum,
  CheckpointError,
  consistencyProof,
  ConsistencyFileError,
  cosign,
  COSIGNER_KEY,
  DsseError,
  formatCheckpoint,
  formatConsistency,
  formatNote,
  formatProof,
  formatTime,
  formatTrust,
  formatVkey,
  fromBase64,
  fromBase64url,
  fromHex,
  firstNumberFault,
  fromUtf8,
  GrowthError,
  hex,
  base64url,
  isIdentifier,
  KeyError,
  leafHash,
  NoteError,
  parseCanonical,
  parseCheckpoint,
  parseConsistency,
  parseJson,
  parseNote,
  parseProof,
  parseTime,
  parseTrust,
  parseVkey,
  ReceiptError,
  signCheckpoint,
  TimeError,
  TlogProofError,
  TrustError,
  utf8,
  verifierOf,
  verifyCheckpoint,
  verifyDsse,
  verifyGrowth,
  verifyReceipt,
  VkeyError,
} from '#domain';
import { ed25519PublicKey } from '#crypto';

import { answerLine } from '../../apps/cli/src/conform/answer.ts';
import { dsseOf } from '../../apps/cli/src/dsse.ts';
import * as portable from '../../libs/domain/src/formats/bytes-portable.ts';
import { goldenLogs, sizeOfNote } from '../foreign/golden.ts';
import { entries, notes, parties, receipts, requests, trustFiles, vectors } from './corpora.ts';
import { fuzz, ofText, type Target } from './fuzz.ts';

const [log] = goldenLogs(['v2']);
if (!log) throw new Error('the golden ledger has logs');
const { seed, verifier } = log;
const own = log.receipts.map((receipt) => utf8(receipt));
const [proof] = log.receipts;
const bodies = notes.map((note) => utf8(parseNote(note).text));
const hashes = [0, 1, 2, 5, 63].map((count) =>
  utf8(formatConsistency(Array.from({ length: count }, (_, at) => sha256(Uint8Array.of(at))))),
);
const dsse = log.records.map((record) => utf8(dsseOf(seed, record)));
const depth = { maxDepth: 64 };

const witness = verifierOf('witness.example', ed25519PublicKey(seed), COSIGNER_KEY);
const cosigned = notes.map((note) => {
  const { text, signatures } = parseNote(note);
  const line = cosign(text, { name: witness.name, seed, timeSeconds: 1_800_000_000n });
  return utf8(formatNote(text, [...signatures.map((signature) => signature.line), line]));
});
const witnessTrust = (rule: string): string =>
  `log ${verifier.vkey}\nwitness w1 ${witness.vkey} https://witness.example\ngroup g ${rule} w1\nquorum g\n`;
const quorumTrust = parseTrust(witnessTrust('all'));

/** Three files as one input: an older checkpoint, a later one, and the proof. No format has a zero byte. */
const growths = log.checkpoints.flatMap((old) =>
  log.checkpoints
    .filter((next) => sizeOfNote(next) >= sizeOfNote(old))
    .map((next) => {
      const proved = consistencyProof(
        own.map((receipt) => leafHash(parseProof(receipt).entry ?? utf8(''))),
        sizeOfNote(old),
        sizeOfNote(next),
      );
      return { old, next, proof: formatConsistency(proved) };
    }),
);
const inOne = (...files: string[]): Uint8Array => utf8(files.join('\0'));
function inThree(bytes: Uint8Array): [Uint8Array, Uint8Array, Uint8Array] {
  const first = bytes.indexOf(0);
  const second = bytes.indexOf(0, first + 1);
  return [bytes.subarray(0, Math.max(0, first)), bytes.subarray(first + 1, Math.max(0, second)), bytes.subarray(second + 1)];
}
const ownTrust = parseTrust(formatTrust(verifier.vkey));
const logSeed = parties.keys.seed(verifier.name);

/** What bytes.ts makes of it, with Buffer; undefined where it refuses. */
const DECODERS = { hex: fromHex, base64: fromBase64, base64url: fromBase64url };
function decoded(text: string, form: portable.Form): Uint8Array | undefined {
  try {
    return DECODERS[form](text);
  } catch (error) {
    if (error instanceof BytesError) return undefined;
    throw error;
  }
}
/** What it makes of it in a browser. */
function decodedPortably(text: string, form: portable.Form): Uint8Array | undefined {
  const bytes = portable.decode(text, form);
  return bytes !== undefined && portable.encode(bytes, form) === text ? bytes : undefined;
}

const hexOf = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString('hex');

const TARGETS: readonly Target[] = [
  {
    name: 'strict JSON',
    valid: [...entries, ...vectors('jcs', 'input', 'accepted').filter((bytes) => firstNumberFault(fromUtf8(bytes)) === undefined)],
    hostile: [...vectors('jcs', 'input', 'accepted'), ...vectors('jcs', 'input', 'refused')],
    parse: (bytes) => {
      const text = fromUtf8(bytes);
      const value = parseJson(text, depth);
      // The platform's own parser reads the same, wherever ours accepts, and no number of it became another one.
      if (!Buffer.from(canonicalBytes(value)).equals(canonicalBytes(JSON.parse(text)))) throw new Error('not what JSON.parse reads');
      if (firstNumberFault(text) !== undefined) throw new Error('a number became another one');
      return undefined;
    },
    errors: [CanonicalJsonError, BytesError],
  },
  {
    name: 'strict JSON whose numbers are rounded as RFC 8785 does',
    valid: [...entries, ...vectors('jcs', 'input', 'accepted')],
    hostile: vectors('jcs', 'input', 'refused'),
    parse: (bytes) => {
      const text = fromUtf8(bytes);
      const value = parseJson(text, { ...depth, roundsNumbers: true });
      if (!Buffer.from(canonicalBytes(value)).equals(canonicalBytes(JSON.parse(text)))) throw new Error('not what JSON.parse reads');
      return undefined;
    },
    errors: [CanonicalJsonError, BytesError],
  },
  {
    name: 'canonical JSON',
    valid: entries,
    hostile: [...vectors('jcs', 'input', 'accepted'), ...vectors('jcs', 'input', 'refused')],
    parse: (bytes) => canonicalBytes(parseCanonical(bytes, depth)),
    errors: [CanonicalJsonError],
  },
  {
    name: 'hex, base64 and base64url',
    valid: [utf8('')],
    hostile: [...entries.slice(0, 4).map((entry) => utf8(base64(entry))), utf8('00ff'), utf8('AA=='), utf8('AAA='), utf8('_-8')],
    parse: ofText((text) => {
      const decoders = [
        (): string => hex(fromHex(text)),
        (): string => base64(fromBase64(text)),
        (): string => base64url(fromBase64url(text)),
      ];
      for (const decode of decoders) {
        try {
          if (decode() !== text) return '';
        } catch (error) {
          if (!(error instanceof BytesError)) throw error;
        }
      }
      return text;
    }),
    errors: [],
  },
  {
    name: 'text encodings in a browser',
    valid: [utf8(''), ...entries.slice(0, 4)],
    hostile: [...entries.slice(0, 4).map((entry) => utf8(base64(entry))), utf8('00ff'), utf8('AA=='), utf8('AAA='), utf8('_-8')],
    parse: (bytes) => {
      ofText((text) => {
        for (const form of ['hex', 'base64', 'base64url'] as const) {
          if (hexOf(decodedPortably(text, form)) !== hexOf(decoded(text, form))) throw new TypeError(`${form} is read otherwise`);
        }
        if (text.isWellFormed() && hexOf(portable.fromText(text)) !== hexOf(utf8(text))) throw new TypeError('text is written otherwise');
        return undefined;
      })(bytes);
      for (const [form, encode] of [
        ['hex', hex],
        ['base64', base64],
        ['base64url', base64url],
      ] as const) {
        if (portable.encode(bytes, form) !== encode(bytes)) throw new TypeError(`${form} is written otherwise`);
      }
      return undefined;
    },
    errors: [],
  },
  {
    name: 'signed note',
    valid: [...notes, ...cosigned],
    hostile: vectors('checkpoint-parse', 'note', 'refused'),
    parse: (bytes) => {
      const { text, signatures } = parseNote(bytes);
      return utf8(
        formatNote(
          text,
          signatures.map(({ line }) => line),
        ),
      );
    },
    errors: [NoteError],
  },
  {
    name: 'vkey',
    valid: [utf8(verifier.vkey)],
    hostile: [utf8(witness.vkey), utf8(`x+00000000+${base64(new Uint8Array(33))}`)],
    parse: ofText((text) => {
      const { name, publicKey } = parseVkey(text);
      return formatVkey(name, publicKey);
    }),
    errors: [VkeyError, KeyError],
  },
  {
    name: 'checkpoint',
    valid: bodies,
    hostile: notes,
    parse: ofText((text) => formatCheckpoint(parseCheckpoint(text))),
    errors: [CheckpointError],
  },
  {
    name: 'signed checkpoint',
    valid: log.checkpoints.map((note) => utf8(note)),
    hostile: [...notes, ...vectors('checkpoint-parse', 'note', 'refused')],
    parse: (bytes) => {
      verifyCheckpoint(bytes, { origin: verifier.name, verifier });
      return undefined; // signatures of unknown keys are ignored, so there are many spellings
    },
    errors: [CheckpointError, NoteError],
  },
  {
    name: 'cosignatures and their quorum',
    valid: cosigned,
    hostile: vectors('policy-check', 'note', 'refused'),
    parse: (bytes) => {
      const note = parseNote(bytes);
      for (const signature of note.signatures) checkCosignature(note.text, signature, witness);
      checkQuorum(quorumTrust, note);
      return undefined;
    },
    errors: [NoteError],
  },
  {
    name: 'tlog-proof',
    valid: receipts,
    hostile: vectors('tlog-proof', 'proof', 'refused'),
    parse: (bytes) => utf8(formatProof(parseProof(bytes))),
    errors: [TlogProofError],
  },
  {
    name: 'receipt, verified',
    valid: own,
    hostile: receipts,
    parse: (bytes) => {
      verifyReceipt(bytes, { origin: verifier.name, verifier, trust: parseTrust(formatTrust(verifier.vkey)) });
      return undefined; // other signatures may stand beside the log's own
    },
    errors: [ReceiptError],
  },
  {
    name: 'entry of a receipt, given',
    valid: own.map((receipt) => parseProof(receipt).entry ?? utf8('')).slice(0, 1),
    hostile: entries,
    parse: (entry) => verifyReceipt(utf8(proof ?? ''), { origin: verifier.name, verifier, entry }).entry,
    errors: [ReceiptError],
  },
  {
    name: 'trust file',
    valid: [...trustFiles, utf8(witnessTrust('all')), utf8(witnessTrust('any')), utf8(witnessTrust('1'))],
    hostile: vectors('policy-check', 'policy', 'refused'),
    parse: ofText((text) => {
      parseTrust(text);
      return undefined;
    }),
    errors: [TrustError, VkeyError, KeyError],
  },
  {
    name: 'consistency file',
    valid: hashes,
    parse: (bytes) => utf8(formatConsistency(parseConsistency(bytes))),
    errors: [ConsistencyFileError],
  },
  {
    name: 'growth of a log, verified',
    valid: growths.map(({ old, next, proof: file }) => inOne(old, next, file)),
    hostile: growths.map(({ old, next, proof: file }) => inOne(next, old, file)),
    parse: (bytes) => {
      const [old, next, file] = inThree(bytes);
      const found = verifyGrowth({ old, next, proof: file }, ownTrust);
      const sizes = [found.old.size, found.next.size].map(Number).join();
      // Other signatures may stand beside the log's own; there is one proof between two sizes.
      const isOriginal = growths.some((each) => [each.old, each.next].map(sizeOfNote).join() === sizes && each.proof === fromUtf8(file));
      if (!isOriginal) throw new TypeError(`growth was proved: ${sizes}`);
      return undefined;
    },
    errors: [GrowthError],
  },
  {
    name: 'growth, whatever the log signs',
    valid: growths.map(({ old, next, proof: file }) => inOne(...[old, next].map((note) => parseNote(utf8(note)).text), file)),
    hostile: growths.map(({ old, next, proof: file }) => inOne(...[next, old].map((note) => parseNote(utf8(note)).text), file)),
    parse: (bytes) => {
      const [old, next, file] = inThree(bytes);
      const signed = [old, next].map((text) => utf8(signCheckpoint(parseCheckpoint(Buffer.from(text).toString()), logSeed)));
      verifyGrowth({ old: signed[0] ?? old, next: signed[1] ?? next, proof: file }, ownTrust);
      return undefined;
    },
    errors: [GrowthError, CheckpointError, NoteError],
  },
  {
    name: 'DSSE envelope',
    valid: dsse,
    hostile: vectors('dsse-verify', 'envelope', 'refused'),
    parse: ofText((text) => {
      verifyDsse(text, { publicKey: verifier.publicKey, payloadType: 'application/vnd.in-toto+json' });
      return undefined;
    }),
    errors: [DsseError],
  },
  {
    name: 'time',
    valid: ['2026-01-31T23:59:59.999Z', '0000-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z'].map((text) => utf8(text)),
    hostile: ['2026-02-30T00:00:00.000Z', '2026-01-01T24:00:00.000Z', '+010000-01-01T00:00:00.000Z'].map((text) => utf8(text)),
    parse: ofText((text) => formatTime(parseTime(text))),
    errors: [TimeError],
  },
  {
    name: 'identifier',
    valid: ['a', 'A-1._:@/x', 'x'.repeat(128)].map((text) => utf8(text)),
    hostile: ['', 'ä', '\n', 'x'.repeat(129)].map((text) => utf8(text)),
    parse: ofText((text) => {
      if (isIdentifier(text) && (text.length > 128 || !/^[\x2d-\x3a\x40-\x5a\x5f\x61-\x7a]+$/.test(text))) return '';
      return undefined;
    }),
    errors: [],
  },
  {
    name: 'request of countersign conform',
    valid: requests,
    parse: (bytes) => {
      const answer = answerLine({ bytes, cut: false }, (defect) => {
        throw new TypeError(defect); // what it would write to standard error
      });
      if (answer?.includes('DEFECT') === true) throw new TypeError(answer);
      if (answer !== undefined) JSON.parse(answer);
      return undefined;
    },
    errors: [],
  },
];

fuzz('what is verified offline', TARGETS);
