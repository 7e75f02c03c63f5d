/** One line in, one line out: whatever comes, with the id of the request wherever one can be found. */
import { FormatError, fromUtf8, type Json, parseJson } from '#domain';

import { type Line, LINE_BYTES_MAX } from './lines.ts';
import { OPERATIONS } from './operations.ts';
import { Request, RequestError } from './request.ts';

/** A request is one object of strings and lists of strings; what goes deeper is none of its members. */
const REQUEST_DEPTH_MAX = 64;
/** Where an id is looked for in a line that is no JSON. */
const ID_WITHIN = 4096;

/** JSON without its newline; undefined for a blank line, which asks nothing. `log` is told of defects, never of refusals. */
export function answerLine(line: Line, log: (text: string) => void): string | undefined {
  if (!line.cut && line.bytes.every((byte) => BLANKS.has(byte))) return undefined;
  let members: Readonly<Record<string, Json>>;
  try {
    members = membersOf(line);
  } catch (error) {
    return refusal(foundId(line), error, log);
  }
  const id = members['id'];
  if (typeof id !== 'string') return refusal(null, new RequestError('id: expected a string'), log);
  try {
    return JSON.stringify({ id, ...answerTo(members) });
  } catch (error) {
    return refusal(id, error, log);
  }
}

const BLANKS = new Set([0x20, 0x09, 0x0d]);

function answerTo(members: Readonly<Record<string, Json>>): object {
  const request = new Request(members);
  const operation = OPERATIONS.get(request.text('op'));
  return operation === undefined ? { unsupported: true } : { ok: true, ...operation(request) };
}

function membersOf({ bytes, cut }: Line): Readonly<Record<string, Json>> {
  if (cut) throw new RequestError(`a line has at most ${LINE_BYTES_MAX} bytes`);
  const value = parseJson(fromUtf8(bytes), { maxDepth: REQUEST_DEPTH_MAX });
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new RequestError('expected a json object');
  return value;
}

function refusal(id: string | null, error: unknown, log: (text: string) => void): string {
  if (error instanceof FormatError) return JSON.stringify({ id, ok: false, error: `${error.code}: ${error.message}` });
  log(`defect, request ${id ?? 'without id'}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return JSON.stringify({ id, ok: false, error: 'DEFECT: the operation failed for a reason of its own' });
}

/** For lines refused as a whole: read leniently, for nothing but the id, so that who asked does not wait for ever. */
function foundId({ bytes, cut }: Line): string | null {
  const text = Buffer.from(bytes).toString('utf8');
  const lenient = cut ? undefined : quietly(() => (JSON.parse(text) as { id?: unknown } | null)?.id);
  if (typeof lenient === 'string') return lenient;
  const quoted = /"id"\s{0,8}:\s{0,8}("(?:[^"\\]|\\.)*")/.exec(text.slice(0, ID_WITHIN))?.[1];
  const found = quoted === undefined ? undefined : quietly(() => JSON.parse(quoted) as unknown);
  return typeof found === 'string' ? found : null;
}

function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
