import { FormatError } from './errors.ts';

export class TimeError extends FormatError<'TIME'> {}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** RFC 3339 in UTC with milliseconds and `Z`: 2026-01-31T23:59:59.999Z. `ms` is POSIX milliseconds, years 0000 to 9999. */
export function formatTime(ms: number): string {
  if (ms === last.ms) return last.text;
  const date = new Date(ms);
  const text = Number.isInteger(ms) && !Number.isNaN(date.getTime()) ? date.toISOString() : '';
  if (!TIME.test(text)) throw new TimeError('TIME', `not a time in milliseconds: ${ms}`);
  last = { ms, text };
  return text;
}

/** All entries of a batch have one time. */
let last = { ms: NaN, text: '' };

/** POSIX milliseconds. Only the spelling formatTime writes: no leap second, no 24:00, no other zone, no 30 February. */
export function parseTime(text: string): number {
  const ms = TIME.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== text) throw new TimeError('TIME', 'expected YYYY-MM-DDThh:mm:ss.mmmZ');
  return ms;
}
