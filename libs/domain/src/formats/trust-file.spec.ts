import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';

import { ed25519PublicKey } from '#crypto';

import { utf8 } from './bytes.ts';
import { signCheckpoint } from './checkpoint.ts';
import { checkCosignature, cosign } from './cosignature.ts';
import { FormatError } from './errors.ts';
import { EMPTY_ROOT } from './merkle.ts';
import { type Note, parseNote, signatureLine } from './signed-note.ts';
import { checkQuorum } from './quorum.ts';
import { formatTrust, parseTrust } from './trust-file.ts';
import { COSIGNER_KEY, formatVkey, parseVkey, verifierOf } from './vkey.ts';

vi.setConfig({ testTimeout: 60_000 }); // some go through every bit or every pair; a busy machine is no failure
fc.configureGlobal(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) });

const seedOf = (fill: number) => new Uint8Array(32).fill(fill);
const log = formatVkey('ledger.example/t/1', ed25519PublicKey(seedOf(1)));
const witnessKey = (fill: number) => formatVkey(`w${fill}.example`, ed25519PublicKey(seedOf(fill)), COSIGNER_KEY);
const POLICY = `# keys from the operators' own pages
log ${log} https://ledger.example/

witness X1 ${witnessKey(2)}
witness X2 ${witnessKey(3)} https://w3.example/
witness X3 ${witnessKey(4)}
\tgroup  X 2 X1 X2 X3
witness Y1 ${witnessKey(5)}
witness Y2 ${witnessKey(6)}
group Y any Y1 Y2
group both all X Y
quorum both
`;
const body = parseNote(utf8(signCheckpoint({ origin: 'ledger.example/t/1', size: 1n, root: EMPTY_ROOT }, seedOf(1)))).text;
const cosigned = (...fills: number[]) =>
  fills.map((fill) => cosign(body, { name: `w${fill}.example`, seed: seedOf(fill), timeSeconds: 1700000000n }));
const note = (lines: string[]): Note =>
  lines.length === 0 ? { text: body, signatures: [] } : parseNote(utf8(`${body}\n${lines.join('\n')}\n`));
const codeOf = (action: () => unknown): string | undefined => {
  try {
    action();
  } catch (error) {
    if (error instanceof FormatError) return String(error.code);
    throw error;
  }
  return undefined;
};

describe('trust files', () => {
  test('read what they write', () => {
    const trust = parseTrust(formatTrust(log));
    expect(trust).toMatchObject({ log: parseVkey(log), quorum: 'none' });
    expect(checkQuorum(trust, note([])).met).toBe(true);
  });

  test('read logs, witnesses, groups and quorum', () => {
    const trust = parseTrust(POLICY);
    expect(trust.log.name).toBe('ledger.example/t/1');
    expect(trust.logUrl).toBe('https://ledger.example/');
    expect([...trust.witnesses.keys()]).toEqual(['X1', 'X2', 'X3', 'Y1', 'Y2']);
    expect(trust.witnesses.get('X2')?.url).toBe('https://w3.example/');
    expect(trust.groups.get('X')).toEqual({ threshold: 2, members: ['X1', 'X2', 'X3'] });
  });

  test.each([
    ['LOG', ['log ', '# log ']],
    ['LOG', ['\nquorum', `\nlog ${log}\nquorum`]],
    ['LOG', ['/\n\n', '/ more\n\n']],
    ['TYPE', [witnessKey(2), log]],
    ['TYPE', [log, witnessKey(2)]],
    ['WITNESS', [witnessKey(3), witnessKey(2)]],
    ['WITNESS', [`witness X3 ${witnessKey(4)}`, 'witness X3']],
    ['NAME', ['witness X2', 'witness X1']],
    ['NAME', ['witness X2', 'witness none']],
    ['NAME', ['group Y', 'group X']],
    ['GROUP', ['X 2 ', 'X 4 ']],
    ['GROUP', ['X 2 ', 'X 0 ']],
    ['GROUP', ['X 2 ', 'X 02 ']],
    ['GROUP', ['X 2 ', 'X most ']],
    ['GROUP', ['X 2 X1', 'X 2 X2']],
    ['GROUP', ['any Y1 Y2', 'any Y1 X1']],
    ['GROUP', ['any Y1 Y2', 'any']],
    ['UNKNOWN_NAME', ['any Y1', 'any Y3']],
    ['UNKNOWN_NAME', ['2 X1', '2 Y1']],
    ['UNKNOWN_NAME', ['quorum both', 'quorum all']],
    ['QUORUM', ['quorum both', '']],
    ['QUORUM', ['quorum both', 'quorum both\nquorum none']],
    ['QUORUM', ['quorum both', 'quorum X Y']],
    ['LINE', ['quorum both', 'quorums both']],
    ['LINE', ['quorum both\n', 'quorum both']],
    ['CHARACTER', ['quorum both\n', 'quorum both\r\n']],
    ['CHARACTER', ['quorum both\n', 'quorum both\u007f\n']],
    ['TOO_LARGE', ['# ', `# ${'x'.repeat(65536)}`]],
  ] as const)('refuse with %s: %j', (code, [from, to]) => {
    expect(codeOf(() => parseTrust(POLICY.replace(from, to)))).toBe(code);
  });

  test('of any lines are read or refused, nothing else', () => {
    const words = fc.constantFrom(
      'log',
      'witness',
      'group',
      'quorum',
      'none',
      'all',
      '1',
      'A',
      'B',
      log,
      witnessKey(2),
      '\n',
      '\t',
      '#',
      '__proto__',
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 14 }), (list) => {
        codeOf(() => parseTrust(`${list.join(' ')}\n`));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('cosignatures', () => {
  const cosigner = parseVkey(witnessKey(2), COSIGNER_KEY);
  test('verify and tell their time; any flipped bit is refused', () => {
    const [signature] = note(cosigned(2)).signatures;
    if (signature === undefined) return expect.fail('no signature');
    expect(checkCosignature(body, signature, cosigner)).toBe(1700000000n);
    expect(checkCosignature(body.replace('\n1\n', '\n2\n'), signature, cosigner)).toBeUndefined();
    expect(checkCosignature(body, signature, parseVkey(witnessKey(3), COSIGNER_KEY))).toBeUndefined();
    const renamed = verifierOf('other.example', cosigner.publicKey, COSIGNER_KEY);
    expect(checkCosignature(body, signature, renamed)).toBeUndefined();
    for (let bit = 0; bit < signature.signature.length * 8; bit++) {
      const bad = Uint8Array.from(signature.signature);
      bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(checkCosignature(body, { ...signature, signature: bad }, cosigner)).toBeUndefined();
    }
    expect(() => cosign(body, { name: 'w', seed: seedOf(2), timeSeconds: 2n ** 63n })).toThrow(RangeError);
  });

  test.each([
    [false, []],
    [false, [2, 3]],
    [false, [2, 5]],
    [false, [5, 6]],
    [false, [2, 2, 5]],
    [false, [2, 9, 5]],
    [true, [2, 3, 5]],
    [true, [3, 4, 6]],
    [true, [2, 3, 4, 5, 6]],
  ])('meet the quorum: %s for %j', (met, fills) => {
    expect(checkQuorum(parseTrust(POLICY), note(cosigned(...fills))).met).toBe(met);
  });

  test('that do not verify refuse the note', () => {
    const bad = signatureLine(cosigner.name, cosigner.keyId, new Uint8Array(72));
    expect(codeOf(() => checkQuorum(parseTrust(POLICY), note([...cosigned(2, 3, 5), bad])))).toBe('BAD_SIGNATURE');
  });
});
