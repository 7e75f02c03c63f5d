import { FormatError } from './errors.ts';

export class TimeError extends FormatError<'TIME'> {}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const DAY_MS = 86_400_000;
/** YYYY-MM-DDT */
const DAY_CHARS = 11;

/** The day that was last written or read: nearly all that a process sees is one day, and Date takes ten times as long. */
let day = { text: '', startMs: NaN };

/** RFC 3339 in UTC with milliseconds and `Z`: 2026-01-31T23:59:59.999Z. `ms` is POSIX milliseconds, years 0000 to 9999. */
export function formatTime(ms: number): string {
  const past = ms - day.startMs;
  if (past >= 0 && past < DAY_MS && Number.isInteger(past)) return day.text + clock(past);
  const date = new Date(ms);
  const text = Number.isInteger(ms) && !Number.isNaN(date.getTime()) ? date.toISOString() : '';
  if (!TIME.test(text)) throw new TimeError('TIME', `not a time in milliseconds: ${ms}`);
  rememberDay(text, ms);
  return text;
}

/** POSIX milliseconds. Only the spelling formatTime writes: no leap second, no 24:00, no other zone, no 30 February. */
export function parseTime(text: string): number {
  if (!TIME.test(text)) throw malformed();
  if (text.startsWith(day.text) && day.text !== '') {
    const [hours, minutes, seconds] = [Number(text.slice(11, 13)), Number(text.slice(14, 16)), Number(text.slice(17, 19))];
    if (hours > 23 || minutes > 59 || seconds > 59) throw malformed();
    return day.startMs + ((hours * 60 + minutes) * 60 + seconds) * 1000 + Number(text.slice(20, 23));
  }
  const ms = Date.parse(text);
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== text) throw malformed();
  rememberDay(text, ms);
  return ms;
}

/** hh:mm:ss.mmmZ; `past` is milliseconds since midnight. */
function clock(past: number): string {
  const seconds = Math.floor(past / 1000);
  const minutes = Math.floor(seconds / 60);
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(seconds % 60)}.${String(past % 1000).padStart(3, '0')}Z`;
}

const two = (value: number): string => (value < 10 ? `0${value}` : String(value));

function rememberDay(text: string, ms: number): void {
  day = { text: text.slice(0, DAY_CHARS), startMs: Math.floor(ms / DAY_MS) * DAY_MS };
}

const malformed = (): TimeError => new TimeError('TIME', 'expected YYYY-MM-DDThh:mm:ss.mmmZ');
