import { ed25519PublicKey } from '#crypto';
import {
  cosign,
  formatNote,
  formatProof,
  formatVkey,
  inclusionProof,
  leafHash,
  parseNote,
  rootOf,
  signCheckpoint,
  signNote,
} from '#domain';

import { around, b64, flipped, holds, refused, seed } from './cases.mjs';

const ORIGIN = 'vectors.example/t/1';
const LOG = seed(1);
const VKEY = formatVkey(ORIGIN, ed25519PublicKey(LOG));
const entries = Array.from({ length: 6 }, (_, at) => Buffer.from(`entry ${at}`));
const hashes = entries.map((entry) => leafHash(entry));
const ROOT = rootOf(hashes);
const NOTE = signCheckpoint({ origin: ORIGIN, size: 6n, root: ROOT }, LOG);
const { text: BODY, signatures: SIGNED } = parseNote(Buffer.from(NOTE));
const LINES = SIGNED.map(({ line }) => line);

const witness = (byte) => ({ name: `witness${byte}.example`, seed: seed(byte), timeSeconds: 1_764_000_000n });
const witnessVkey = ({ name, seed: key }) => formatVkey(name, ed25519PublicKey(key), 4);
const [W1, W2, W3] = [witness(11), witness(12), witness(13)];
const cosigned = (...by) => b64(formatNote(BODY, [...LINES, ...by.map((each) => cosign(BODY, each))]));
/** A note that the log's key signs, whatever its text. */
const signed = (text) => b64(signNote(text, { name: ORIGIN, seed: LOG }));

export function checkpoint() {
  const good = { note: b64(NOTE), vkey: VKEY, origin: ORIGIN };
  const output = { origin: ORIGIN, size: '6', root: b64(ROOT) };
  const other = formatVkey(ORIGIN, ed25519PublicKey(seed(2)));
  return [
    ...around('a checkpoint', good, output, {
      'another origin': { origin: 'vectors.example/t/2' },
      "another log's key": { vkey: formatVkey('vectors.example/t/2', ed25519PublicKey(LOG)) },
      'another key of the same name': { vkey: other },
      'a vkey with another key id': { vkey: VKEY.replace(/\+[0-9a-f]{8}\+/, '+00000000+') },
      'a vkey of a cosigner': { vkey: formatVkey(ORIGIN, ed25519PublicKey(LOG), 4) },
      'one bit of the root': { note: b64(flipped(NOTE, ORIGIN.length + 5)) },
      'one bit of the signature': { note: b64(NOTE.replace(/(.)(..=\n)$/, (_, c, end) => (c === 'A' ? 'B' : 'A') + end)) },
      'an extension line': { note: signed(`${BODY}extension\n`) },
      'a size with a leading zero': { note: signed(BODY.replace('\n6\n', '\n06\n')) },
      'a size beyond 64 bits': { note: signed(BODY.replace('\n6\n', '\n18446744073709551616\n')) },
      'a root of 31 bytes': { note: signed(`${ORIGIN}\n6\n${b64(new Uint8Array(31))}\n`) },
      'a root without padding': { note: signed(BODY.replace('=\n', '\n')) },
      'no final newline': { note: b64(NOTE.slice(0, -1)) },
      'carriage returns': { note: b64(NOTE.replaceAll('\n', '\r\n')) },
      'no blank line': { note: b64(NOTE.replace('\n\n', '\n')) },
      'a hyphen for the dash': { note: b64(NOTE.replace('—', '-')) },
      'no signature': { note: b64(`${BODY}\n`) },
      'text after the signatures': { note: b64(`${NOTE}x\n`) },
      'invalid UTF-8': { note: b64(Buffer.concat([Buffer.from(BODY), Buffer.from([0x0a, 0xff, 0x0a])])) },
      'a known key that signs a second time, wrongly': {
        note: b64(
          `${NOTE}${NOTE.trimEnd()
            .split('\n')
            .at(-1)
            .replace(/(.)(..=)$/, (_, c, end) => (c === 'A' ? 'B' : 'A') + end)}\n`,
        ),
      },
    }),
    holds('signatures of unknown keys', { ...good, note: cosigned(W1, W2) }, output),
    holds(
      'the largest size',
      { ...good, note: signed(BODY.replace('\n6\n', '\n18446744073709551615\n')) },
      {
        ...output,
        size: '18446744073709551615',
      },
    ),
  ];
}

export function policy() {
  const of = (...lines) =>
    `${[`log ${VKEY}`, ...[W1, W2, W3].map((w, at) => `witness w${at + 1} ${witnessVkey(w)}`), ...lines].join('\n')}\n`;
  const two = of('group g 2 w1 w2 w3', 'quorum g');
  const nested = of('group any2 any w1 w2', 'group both all any2 w3', 'quorum both');
  const wrong = cosign(BODY.replace('\n6\n', '\n7\n'), W1);
  return [
    holds('two of three', { note: cosigned(W1, W3), policy: two }),
    holds('three of three', { note: cosigned(W1, W2, W3), policy: two }),
    refused('one of three', { note: cosigned(W2), policy: two }),
    refused('none of three', { note: b64(NOTE), policy: two }),
    refused('one of three, twice', { note: cosigned(W2, { ...W2, timeSeconds: 1_764_000_001n }), policy: two }),
    holds('a nested group', { note: cosigned(W2, W3), policy: nested }),
    refused('a nested group without the witness that must', { note: cosigned(W1, W2), policy: nested }),
    holds('quorum none', { note: b64(NOTE), policy: of('quorum none') }),
    holds('quorum of one witness', { note: cosigned(W2), policy: of('quorum w2') }),
    holds('comments and empty lines', { note: cosigned(W2), policy: `# who\n\n${of('quorum w2')}` }),
    refused('a cosignature over another size', { note: b64(formatNote(BODY, [...LINES, wrong])), policy: of('quorum none') }),
    refused('a group of a name not defined yet', { note: cosigned(W1, W2), policy: of('group g 1 w1 later', 'quorum g') }),
    refused('a threshold above the members', { note: cosigned(W1, W2), policy: of('group g 3 w1 w2', 'quorum g') }),
    refused('a witness in two groups', { note: cosigned(W1), policy: of('group g any w1', 'group h any w1', 'quorum g') }),
    refused('no quorum line', { note: cosigned(W1), policy: of() }),
    refused('two log lines', { note: cosigned(W1), policy: `log ${VKEY}\n${of('quorum w1')}` }),
    refused('an unknown line', { note: cosigned(W1), policy: of('quorum w1', 'expires 2030') }),
    refused('no final newline', { note: cosigned(W1), policy: of('quorum w1').trimEnd() }),
  ];
}

export function tlogProof() {
  const file = { index: 4n, proof: inclusionProof(hashes, 4), checkpoint: NOTE };
  const text = formatProof(file);
  const good = { proof: b64(text), entry: b64(entries[4]), vkey: VKEY, origin: ORIGIN };
  const hash = b64(file.proof[0]);
  return [
    ...around(
      'entry 4 of 6',
      good,
      {},
      {
        'another entry': { entry: b64(entries[3]) },
        'another index': { proof: b64(formatProof({ ...file, index: 5n })) },
        'an index beyond the tree': { proof: b64(formatProof({ ...file, index: 6n })) },
        'another origin': { origin: 'vectors.example/t/2' },
        'another key': { vkey: formatVkey(ORIGIN, ed25519PublicKey(seed(2))) },
        'a checkpoint of another log': { proof: b64(text.replaceAll(ORIGIN, 'vectors.example/t/2')) },
        'a proof with one bit changed': { proof: b64(text.replace(hash, b64(flipped(file.proof[0])))) },
        'a hash too few': { proof: b64(text.replace(`${hash}\n`, '')) },
        'the header of another version': { proof: b64(text.replace('proof@v1', 'proof@v2')) },
        'an index with a leading zero': { proof: b64(text.replace('index 4', 'index 04')) },
        'no index line': { proof: b64(text.replace('index 4\n', '')) },
        'extra after the index': { proof: b64(text.replace('index 4\n', 'index 4\nextra AA==\n')) },
        'no checkpoint': { proof: b64(text.split('\n\n')[0] + '\n\n') },
        'a checkpoint without signature': { proof: b64(text.slice(0, text.indexOf('\n— ') + 1)) },
        'carriage returns': { proof: b64(text.replaceAll('\n', '\r\n')) },
      },
    ),
    holds('extra is ignored', { ...good, proof: b64(formatProof({ ...file, entry: entries[0] })) }),
    holds('a cosigned checkpoint', {
      ...good,
      proof: b64(formatProof({ ...file, checkpoint: Buffer.from(cosigned(W1), 'base64').toString() })),
    }),
  ];
}
