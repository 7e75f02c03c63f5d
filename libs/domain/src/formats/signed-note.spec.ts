import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';

import { ed25519PublicKey } from '#crypto';

import { base64, concat, fromUtf8, utf8 } from './bytes.ts';
import { FormatError } from './errors.ts';
import { formatNote, NoteError, parseNote, signatureLine, signNote, verifyNote } from './signed-note.ts';
import { COSIGNER_KEY, ed25519KeyId, formatVkey, parseVkey, verifierOf, VkeyError } from './vkey.ts';

vi.setConfig({ testTimeout: 60_000 }); // some go through every bit or every pair; a busy machine is no failure
fc.configureGlobal(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) });

// The example of C2SP signed-note v1.0.0.
const VKEY = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
const TEXT = 'This is an example message.\n';
const LINE = '— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=';
const example = parseVkey(VKEY);

const seed = new Uint8Array(32).fill(7);
const own = verifierOf('ledger.example/t/1', ed25519PublicKey(seed));
const sign = (text: string) => signNote(text, { name: own.name, seed });
const codeOf = (action: () => unknown): string | undefined => {
  try {
    action();
  } catch (error) {
    if (error instanceof FormatError) return String(error.code);
    throw error;
  }
  return undefined;
};

describe('vkeys', () => {
  test('read and write the public example', () => {
    expect(example).toMatchObject({ name: 'example.com/foo', keyId: 0x530d903a });
    expect(formatVkey(example.name, example.publicKey)).toBe(VKEY);
    expect(ed25519KeyId(example.name, example.publicKey)).toBe(0x530d903a);
  });

  test.each([
    ['VKEY', ''],
    ['VKEY', VKEY.replace('530d903a', '530D903A')],
    ['VKEY', `${VKEY}\n`],
    ['VKEY', `${VKEY}=`],
    ['VKEY', VKEY.slice(0, -1)],
    ['VKEY', VKEY.replace('+Ae', '+Ae\n')],
    ['NAME', VKEY.replace('example.com/foo', 'example com')],
    ['NAME', VKEY.replace('example.com/foo', 'example\u00a0com')],
    ['NAME', VKEY.replace('example.com/foo', 'example\u0001')],
    ['KEY_ID', VKEY.replace('530d903a', '530d903b')],
    ['KEY_ID', VKEY.replace('example.com/foo', 'example.com/fo0')],
    ['TYPE', VKEY.replace('+Ae', '+Be')],
    ['SMALL_ORDER', `a+00000000+${base64(concat(Uint8Array.of(1, 1), new Uint8Array(31)))}`],
    ['NON_CANONICAL', `a+00000000+${base64(concat(Uint8Array.of(1, 0xee), new Uint8Array(30).fill(255), Uint8Array.of(0x7f)))}`],
  ])('refuse with %s: %j', (code, text) => {
    expect(codeOf(() => parseVkey(text))).toBe(code);
  });

  test('of a cosigner are another type with another id', () => {
    const cosigner = formatVkey('w', example.publicKey, COSIGNER_KEY);
    expect(parseVkey(cosigner, COSIGNER_KEY).vkey).toBe(cosigner);
    expect(() => parseVkey(cosigner)).toThrow(VkeyError);
  });
});

describe('notes', () => {
  test('verify and write the public example', () => {
    const note = utf8(formatNote(TEXT, [LINE]));
    expect(verifyNote(note, [example])).toEqual({ text: TEXT, verified: [example] });
    const { signatures } = parseNote(note);
    expect(signatures.map(({ name, keyId, signature }) => signatureLine(name, keyId, signature))).toEqual([LINE]);
  });

  test('split at the last blank line, round trip, and the same twice', () => {
    const text = fc
      .array(fc.string({ unit: fc.constantFrom('a', '— ', 'é', '\u{1f600}', ' ', '\n') }), { maxLength: 5 })
      .map((l) => `${l.join('\n')}\n`);
    fc.assert(
      fc.property(text, (body) => {
        const note = sign(body);
        expect(sign(body)).toBe(note);
        const parsed = parseNote(utf8(note));
        expect(parsed.text).toBe(body);
        expect(
          formatNote(
            parsed.text,
            parsed.signatures.map(({ line }) => line),
          ),
        ).toBe(note);
        expect(verifyNote(utf8(note), [example, own]).verified).toEqual([own]);
      }),
      { numRuns: 60 },
    );
  });

  test('with any one bit flipped are refused', () => {
    const note = utf8(sign('ledger.example/t/1\n1\n'));
    for (let bit = 0; bit < note.length * 8; bit++) {
      const bad = Uint8Array.from(note);
      bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(codeOf(() => verifyNote(bad, [own]))).toBeDefined();
    }
  });

  test('ignore unknown keys, whatever they sign', () => {
    const stranger = signatureLine('stranger', 1, Uint8Array.of(1));
    const sameName = signatureLine(example.name, 1, new Uint8Array(64));
    expect(verifyNote(utf8(formatNote(TEXT, [stranger, LINE, sameName])), [example]).verified).toEqual([example]);
    expect(codeOf(() => verifyNote(utf8(formatNote(TEXT, [stranger])), [example]))).toBe('NO_KNOWN_KEY');
    expect(codeOf(() => verifyNote(utf8(formatNote(TEXT, [LINE])), []))).toBe('NO_KNOWN_KEY');
  });

  test('are refused whole for one bad signature of a known key', () => {
    const bad = signatureLine(own.name, own.keyId, new Uint8Array(64));
    for (const lines of [
      [LINE, bad],
      [bad, LINE],
    ]) {
      expect(codeOf(() => verifyNote(utf8(formatNote(TEXT, lines)), [example, own]))).toBe('BAD_SIGNATURE');
    }
  });

  test('hold at most 100 signatures', () => {
    const stranger = signatureLine('stranger', 1, Uint8Array.of(1));
    const note = (count: number) => utf8(formatNote(TEXT, [...Array.from({ length: count }, () => stranger), LINE]));
    expect(verifyNote(note(99), [example]).verified).toEqual([example]);
    expect(codeOf(() => verifyNote(note(100), [example]))).toBe('TOO_MANY_SIGNATURES');
    expect(codeOf(() => parseNote(new Uint8Array(1024 * 1024 + 1)))).toBe('TOO_LARGE');
  });

  test.each([
    '',
    '\n',
    TEXT,
    `${TEXT}\n`,
    `${TEXT}${LINE}\n`,
    `${TEXT}\n${LINE}`,
    `${TEXT}\n${LINE}\n\n`,
    `${TEXT}\n${LINE} \n`,
    `${TEXT}\n${LINE}\r\n`,
    `${TEXT}\t\n\n${LINE}\n`,
    `${TEXT}\0\n\n${LINE}\n`,
    `${TEXT}\n${LINE.replace('—', '-')}\n`,
    `${TEXT}\n${LINE.replace('— ', '—  ')}\n`,
    `${TEXT}\n${LINE.replace('example.com', 'example+com')}\n`,
    `${TEXT}\n${LINE.replace('example.com', 'example\u2003com')}\n`,
    `${TEXT}\n${LINE.slice(0, -1)}\n`,
    `${TEXT}\n${LINE.replace('QM=', 'QN=')}\n`,
    `${TEXT}\n— a AAAAAA==\n`,
    `${TEXT}\n— a \n`,
    `${TEXT}\n${LINE}\nx\n`,
  ])('that are malformed are refused: %j', (note) => {
    expect(codeOf(() => parseNote(utf8(note)))).toBe('MALFORMED');
  });

  test('that are not UTF-8 are refused', () => {
    expect(codeOf(() => parseNote(concat(Uint8Array.of(0xff), utf8(formatNote(TEXT, [LINE])))))).toBe('MALFORMED');
  });

  test('are not signed when no reader would read them back', () => {
    for (const text of ['', 'no newline', 'tab\t\n', 'carriage\r\n']) expect(() => sign(text)).toThrow(NoteError);
    expect(() => signNote(TEXT, { name: 'a b', seed })).toThrow(NoteError);
  });

  test('of any bytes are read to what writes them again, or refused', () => {
    const parts = fc.constantFrom('a\n', '\n', LINE, '— a AAAAAAE=', ' ', '\n\n', '—', '\t');
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 8 }), (list) => {
        const bytes = utf8(list.join(''));
        try {
          const { text, signatures } = parseNote(bytes);
          expect(
            formatNote(
              text,
              signatures.map(({ line }) => line),
            ),
          ).toBe(fromUtf8(bytes));
        } catch (error) {
          if (!(error instanceof NoteError)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });
});
