/**
 * JSON that need not be canonical, read strictly: JSON.parse takes the last of two equal keys, turns 1e999 into Infinity, rounds
 * 9007199254740993 and keeps lone surrogates. One loop with its own stack, so hostile nesting costs memory by `maxDepth`, never the call stack.
 */
import { CanonicalJsonError, type Json, JSON_DEPTH_MAX, numberError } from './canonical-json.ts';
import { numberFault } from './exact-number.ts';

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const LITERAL = /true|false|null/y;

type Open = { items: Json[] } | { members: Record<string, Json>; keys: Set<string>; key: string };

export interface JsonOptions {
  /** Levels of arrays and objects. */
  readonly maxDepth?: number;
  /** Whether a number may be rounded to the nearest double, as RFC 8785 does: only where no number of the text is acted on. Default false. */
  readonly roundsNumbers?: boolean;
}

/** Throws CanonicalJsonError. */
export function parseJson(text: string, opts: JsonOptions = {}): Json {
  const maxDepth = opts.maxDepth ?? JSON_DEPTH_MAX;
  const scan = scanner(text, opts.roundsNumbers ?? false);
  const open: Open[] = [];
  for (;;) {
    let value: Json;
    const begin = scan.symbol('[{');
    if (begin !== '') {
      if (open.length >= maxDepth) throw new CanonicalJsonError('DEPTH', `json is nested more than ${maxDepth} levels`);
      if (scan.symbol(begin === '[' ? ']' : '}') === '') {
        open.push(begin === '[' ? { items: [] } : { members: {}, keys: new Set(), key: '' });
        if (begin === '{') nextKey(scan, open[open.length - 1]);
        continue;
      }
      value = begin === '[' ? [] : {};
    } else value = scan.scalar();
    // The value is whole: put it where it belongs, and close every level that ends here.
    for (;;) {
      const level = open[open.length - 1];
      if (level === undefined) {
        scan.end();
        return value;
      }
      if ('items' in level) level.items.push(value);
      else define(level.members, level.key, value);
      const after = scan.symbol('items' in level ? ',]' : ',}');
      if (after === '') throw scan.error();
      if (after === ',') {
        nextKey(scan, level);
        break;
      }
      value = 'items' in level ? level.items : level.members;
      open.pop();
    }
  }
}

function nextKey(scan: ReturnType<typeof scanner>, level: Open | undefined): void {
  if (level === undefined || 'items' in level) return;
  level.key = scan.string();
  if (level.keys.has(level.key)) throw new CanonicalJsonError('DUPLICATE_KEY', `json has two members ${JSON.stringify(level.key)}`);
  level.keys.add(level.key);
  if (scan.symbol(':') === '') throw scan.error();
}

/** `__proto__` as a plain member: assignment would set the prototype. */
function define(members: Record<string, Json>, key: string, value: Json): void {
  if (key === '__proto__') Object.defineProperty(members, key, { value, enumerable: true, configurable: true, writable: true });
  else members[key] = value;
}

function scanner(text: string, roundsNumbers: boolean) {
  let at = 0;
  const token = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? '';
    at += found.length;
    return found;
  };
  const error = () => new CanonicalJsonError('SYNTAX', `not json at character ${at}`);
  // Loops, not patterns, where the text may be long: a pattern's own stack is bounded.
  const space = (): void => {
    while (at < text.length && ' \t\n\r'.includes(text.charAt(at))) at += 1;
  };
  const string = (): string => {
    space();
    if (text.charAt(at) !== '"') throw error();
    let end = at + 1;
    while (end < text.length && text.charAt(end) !== '"') end += text.charAt(end) === '\\' ? 2 : 1;
    const value = unquote(text.slice(at, end + 1));
    if (value === undefined) throw error();
    at = end + 1;
    if (!value.isWellFormed()) throw new CanonicalJsonError('LONE_SURROGATE', 'json string has a lone surrogate');
    return value;
  };
  return {
    error,
    string,
    /** The next symbol when it is one of `wanted`, else ''. */
    symbol(wanted: string): string {
      space();
      const next = text.charAt(at);
      if (next === '' || !wanted.includes(next)) return '';
      at += 1;
      return next;
    },
    scalar(): Json {
      space();
      if (text.charAt(at) === '"') return string();
      const literal = token(LITERAL);
      if (literal !== '') return JSON.parse(literal) as Json;
      const digits = token(NUMBER);
      if (digits === '') throw error();
      const fault = numberFault(digits);
      if (fault && (fault === 'TOO_LARGE' || !roundsNumbers)) throw numberError(fault);
      return Number(digits);
    },
    end(): void {
      space();
      if (at !== text.length) throw error();
    },
  };
}

function unquote(quoted: string): string | undefined {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return undefined;
  }
}
