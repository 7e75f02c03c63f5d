/**
 * Whether a JSON number keeps its decimal value when it is read as a double and written again. 19.99 does; 9007199254740993 comes back as
 * …992 and 1e-400 as 0, so a person would approve another value than the caller wrote. Compared as digits and exponent, never as floats.
 */
export type NumberFault =
  /** 1e400: beyond the largest double. */
  | 'TOO_LARGE'
  /** 1e-400: not zero, and read as zero. */
  | 'TOO_SMALL'
  /** 9007199254740993: an integer that is read as another one. */
  | 'INTEGER_ROUNDED'
  /** 0.1000000000000000055: more digits than a double keeps. */
  | 'DIGITS_LOST';

/** What to tell the sender, of each. */
export const NUMBER_FAULTS: Readonly<Record<NumberFault, string>> = {
  TOO_LARGE: 'a number is beyond the largest double (about 1.8e308): send it as a string',
  TOO_SMALL: 'a number is not zero, but would be read as 0: send it as a string',
  INTEGER_ROUNDED: 'an integer would be read as another one (integers are exact up to 9007199254740991): send it as a string',
  DIGITS_LOST: 'a number has more digits than a double keeps (about 17): send it as a string, or with fewer digits',
};

/** Integers of so many digits are below 2^53. */
const DIGITS_EXACT = 15;

/** `token` is one number of JSON's grammar. undefined: it comes back with the same value. */
export function numberFault(token: string): NumberFault | undefined {
  if (token.length <= DIGITS_EXACT && !/[.eE]/.test(token)) return undefined;
  const value = Number(token);
  if (!Number.isFinite(value)) return 'TOO_LARGE';
  const asked = decimalOf(token);
  const kept = decimalOf(String(value));
  if (asked.digits === kept.digits && asked.exponent === kept.exponent) return undefined;
  if (value === 0) return 'TOO_SMALL';
  return asked.exponent >= 0 ? 'INTEGER_ROUNDED' : 'DIGITS_LOST';
}

/** The fault of the first number in a JSON text that does not keep its value; strings are passed over. The text's syntax is believed. */
export function firstNumberFault(text: string): NumberFault | undefined {
  for (let at = 0; at < text.length; at++) {
    const next = text.charAt(at);
    if (next === '"') at = endOfString(text, at);
    else if (next === '-' || isDigit(next)) {
      const from = at;
      while (at + 1 < text.length && /[0-9.eE+-]/.test(text.charAt(at + 1))) at++;
      const fault = numberFault(text.slice(from, at + 1));
      if (fault) return fault;
    }
  }
  return undefined;
}

/** digits × 10^exponent, without leading or trailing zeros: one spelling for each value. The sign is left out, as reading keeps it. */
function decimalOf(token: string): { digits: string; exponent: number } {
  const [mantissa = '', power = '0'] = token.replace(/^-/, '').split(/[eE]/);
  const [whole = '', fraction = ''] = mantissa.split('.');
  const all = whole + fraction;
  let from = 0;
  while (from < all.length && all.charAt(from) === '0') from++;
  let to = all.length;
  while (to > from && all.charAt(to - 1) === '0') to--;
  if (from === to) return { digits: '', exponent: 0 };
  return { digits: all.slice(from, to), exponent: Number(power) - fraction.length + (all.length - to) };
}

/** Where the string that begins at `from` ends: at its closing quote. */
function endOfString(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text.charAt(at) !== '"') at += text.charAt(at) === '\\' ? 2 : 1;
  return at;
}

const isDigit = (character: string): boolean => character >= '0' && character <= '9';
