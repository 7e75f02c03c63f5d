import { FormatError } from './errors.ts';

export class TimeError extends FormatError<'TIME'> {}

const DAY_MS = 86_400_000;
/** 0000-01-01T00:00:00.000Z and the first millisecond of the year 10000. */
const FIRST_MS = -62_167_219_200_000;
const END_MS = 253_402_300_800_000;
/** YYYY-MM-DDThh:mm:ss.mmmZ; d is a digit. */
const SHAPE = 'dddd-dd-ddTdd:dd:dd.dddZ';
const ZERO = 48;

/** The days that were last written or read: nearly all that a process sees are today and tomorrow, and a Date takes ten times as long. */
const days = new Map<number, string>();
const DAYS_MAX = 8;

/** RFC 3339 in UTC with milliseconds and `Z`: 2026-01-31T23:59:59.999Z. `ms` is POSIX milliseconds, years 0000 to 9999. */
export function formatTime(ms: number): string {
  if (!Number.isInteger(ms) || ms < FIRST_MS || ms >= END_MS) throw new TimeError('TIME', `not a time in milliseconds: ${ms}`);
  const dayOf = Math.floor(ms / DAY_MS);
  let day = days.get(dayOf);
  if (day === undefined) {
    if (days.size >= DAYS_MAX) days.clear();
    day = new Date(ms).toISOString().slice(0, 11);
    days.set(dayOf, day);
  }
  return day + clock(ms - dayOf * DAY_MS);
}

/** POSIX milliseconds. Only the spelling formatTime writes: no leap second, no 24:00, no other zone, no 30 February. */
export function parseTime(text: string): number {
  if (!hasShape(text)) throw malformed();
  const [year, month, day] = [two(text, 0) * 100 + two(text, 2), two(text, 5), two(text, 8)];
  const [hours, minutes, seconds] = [two(text, 11), two(text, 14), two(text, 17)];
  const isOne = month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month) && hours <= 23 && minutes <= 59 && seconds <= 59;
  if (!isOne) throw malformed();
  const millis = two(text, 20) * 10 + text.charCodeAt(22) - ZERO;
  return daysBefore(year, month, day) * DAY_MS + ((hours * 60 + minutes) * 60 + seconds) * 1000 + millis;
}

function hasShape(text: string): boolean {
  if (text.length !== SHAPE.length) return false;
  for (let at = 0; at < SHAPE.length; at++) {
    const [expected, code] = [SHAPE.charCodeAt(at), text.charCodeAt(at)];
    if (expected === 100 ? code < ZERO || code > ZERO + 9 : code !== expected) return false; // 100: d
  }
  return true;
}

/** The number of the two digits there. */
const two = (text: string, at: number): number => (text.charCodeAt(at) - ZERO) * 10 + text.charCodeAt(at + 1) - ZERO;

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
const daysIn = (year: number, month: number): number => (month === 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31);

/** Since 1970-01-01, in the proleptic Gregorian calendar of ISO 8601. Years begin in March here, so that a leap day is the last of one. */
function daysBefore(year: number, month: number, day: number): number {
  const years = month <= 2 ? year - 1 : year;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  return years * 365 + Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400) + dayOfYear - DAYS_TO_1970;
}
/** From 0000-03-01. */
const DAYS_TO_1970 = 719_468;

/** hh:mm:ss.mmmZ; `past` is milliseconds since midnight. */
function clock(past: number): string {
  const seconds = Math.floor(past / 1000);
  const minutes = Math.floor(seconds / 60);
  return `${PADDED[Math.floor(minutes / 60)]}:${PADDED[minutes % 60]}:${PADDED[seconds % 60]}.${String(past % 1000).padStart(3, '0')}Z`;
}
const PADDED = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, '0'));

const malformed = (): TimeError => new TimeError('TIME', 'expected YYYY-MM-DDThh:mm:ss.mmmZ');
