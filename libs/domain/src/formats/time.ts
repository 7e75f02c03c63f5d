import { FormatError } from './errors.ts';

export class TimeError extends FormatError<'TIME'> {}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
/** YYYY-MM-DDThh:mm:ss */
const SECOND_CHARS = 19;

/** The second that was last written or read: what a batch holds is a few seconds, and Date takes ten times as long. */
let last = { text: '', ms: NaN };

/** RFC 3339 in UTC with milliseconds and `Z`: 2026-01-31T23:59:59.999Z. `ms` is POSIX milliseconds, years 0000 to 9999. */
export function formatTime(ms: number): string {
  const past = ms - last.ms;
  if (past >= 0 && past < 1000 && Number.isInteger(past)) return `${last.text}.${String(past).padStart(3, '0')}Z`;
  const date = new Date(ms);
  const text = Number.isInteger(ms) && !Number.isNaN(date.getTime()) ? date.toISOString() : '';
  if (!TIME.test(text)) throw new TimeError('TIME', `not a time in milliseconds: ${ms}`);
  last = { text: text.slice(0, SECOND_CHARS), ms: Math.floor(ms / 1000) * 1000 };
  return text;
}

/** POSIX milliseconds. Only the spelling formatTime writes: no leap second, no 24:00, no other zone, no 30 February. */
export function parseTime(text: string): number {
  if (!TIME.test(text)) throw malformed();
  if (text.startsWith(last.text) && !Number.isNaN(last.ms)) return last.ms + Number(text.slice(SECOND_CHARS + 1, -1));
  const ms = Date.parse(text);
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== text) throw malformed();
  last = { text: text.slice(0, SECOND_CHARS), ms: Math.floor(ms / 1000) * 1000 };
  return ms;
}

const malformed = (): TimeError => new TimeError('TIME', 'expected YYYY-MM-DDThh:mm:ss.mmmZ');
