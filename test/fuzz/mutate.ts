/** Bytes a parser was not made for: valid ones with a few places changed, and noise. */
import fc from 'fast-check';

/** Places are fractions of the length, so that a change means the same kind of thing to a short input and a long one. */
type Change =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'set'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'cut'; readonly at: number; readonly to: number }
  | { readonly kind: 'truncate'; readonly at: number }
  | { readonly kind: 'repeat'; readonly at: number; readonly to: number; readonly times: number }
  | { readonly kind: 'splice'; readonly at: number; readonly other: Uint8Array; readonly from: number; readonly to: number };

/** All alike: nearly every fc.double is so small that it means the first byte. */
const place = fc.nat(2 ** 30).map((nth) => nth / 2 ** 30);
/** Longer runs cost time and find nothing that these do not. */
const REPEATS_MAX = 200;
const CHANGES_MAX = 4;
/** Unit bytes. A repeated megabyte finds nothing either. */
const BYTES_MAX = 2 * 1024 * 1024;

/** What parsers stumble over: lengths and counts at their limits, text that ends or nests something. */
const AWKWARD = [
  ...['\n', '\n\n', ' ', '\0', '"', '\\', '{', '[', ']', '}', ',', ':', '-', '+', '=', '.', '/', '0', '00', '1e999', '-0', '1e-7'],
  ...['9007199254740993', '18446744073709551616', 'null', 'true', '""', '{}', '[]', '"__proto__":', '"toString":', '"constructor":{},'],
  ...['\\ud800', '\\u0000', '\u00a0', '\u2028', '\ufeff', '— ', '\r\n', '\t', 'Z', '24:00', '[[[[', '{"":'],
].map((text) => new TextEncoder().encode(text));
const NUMBERS = [
  '00',
  '01',
  '7f',
  '80',
  'ff',
  '0000',
  'ffff',
  '7fffffff',
  '80000000',
  'ffffffff',
  'fffffff4',
  '00000000',
  'ffffffffffffffff',
];
const VARINTS = ['8000', 'ff01', 'ffffffff0f', 'ffffffffffffffffff01', '80808080808080808001', 'fe', '01', 'feffffffffffff0f'];
const INVALID_UTF8 = ['c0af', 'eda080', 'f4908080', 'fe', '80'];

const fragment = fc.oneof(
  fc.constantFrom(...AWKWARD),
  fc.constantFrom(...[...NUMBERS, ...VARINTS, ...INVALID_UTF8].map((text) => Uint8Array.from(Buffer.from(text, 'hex')))),
  fc.uint8Array({ minLength: 1, maxLength: 8 }),
);

/** One of `corpus` as it is, or with up to four changes, among them pieces of the others; one time in twenty just bytes. */
export function mutated(corpus: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const one = fc.constantFrom(...corpus);
  const change: fc.Arbitrary<Change> = fc.oneof(
    fc.record({ kind: fc.constant('flip' as const), at: place, bit: fc.nat(7) }),
    fc.record({ kind: fc.constant('set' as const), at: place, bytes: fragment }),
    fc.record({ kind: fc.constant('insert' as const), at: place, bytes: fragment }),
    fc.record({ kind: fc.constant('cut' as const), at: place, to: place }),
    fc.record({ kind: fc.constant('truncate' as const), at: place }),
    fc.record({ kind: fc.constant('repeat' as const), at: place, to: place, times: fc.integer({ min: 2, max: REPEATS_MAX }) }),
    fc.record({ kind: fc.constant('splice' as const), at: place, other: one, from: place, to: place }),
  );
  const changed = fc.tuple(one, fc.array(change, { maxLength: CHANGES_MAX })).map(([bytes, changes]) => changes.reduce(apply, bytes));
  return fc.oneof({ weight: 19, arbitrary: changed }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) });
}

function apply(bytes: Uint8Array, change: Change): Uint8Array {
  const at = Math.floor(change.at * bytes.length);
  const before = bytes.subarray(0, at);
  if (change.kind === 'truncate') return before;
  if (change.kind === 'flip') return concat(before, flipped(bytes[at], change.bit), bytes.subarray(at + 1));
  if (change.kind === 'set') return concat(before, change.bytes, bytes.subarray(at + change.bytes.length));
  if (change.kind === 'insert') return concat(before, change.bytes, bytes.subarray(at));
  if (change.kind === 'splice') return concat(before, between(change.other, change.from, change.to), bytes.subarray(at));
  const [from, to] = [change.at, change.to].sort((a, b) => a - b).map((each) => Math.floor(each * bytes.length)) as [number, number];
  if (change.kind === 'cut') return concat(bytes.subarray(0, from), bytes.subarray(to));
  const piece = bytes.subarray(from, to);
  const times = Math.min(change.times, Math.floor(BYTES_MAX / (piece.length + 1)));
  return concat(bytes.subarray(0, to), ...Array.from({ length: times }, () => piece), bytes.subarray(to));
}

const flipped = (byte: number | undefined, bit: number): Uint8Array =>
  byte === undefined ? Uint8Array.of(1 << bit) : Uint8Array.of(byte ^ (1 << bit));

function between(bytes: Uint8Array, from: number, to: number): Uint8Array {
  const [low, high] = [from, to].sort((a, b) => a - b) as [number, number];
  return bytes.subarray(Math.floor(low * bytes.length), Math.floor(high * bytes.length));
}

const concat = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
