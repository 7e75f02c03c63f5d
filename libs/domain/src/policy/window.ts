import { z } from 'zod';

import { own } from './pointer.ts';
import { identifier } from './spelling.ts';

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
type Day = (typeof DAYS)[number];
const DAY_MS = 86_400_000;
/** Making one costs some 50 µs; a bundle has few zones. Beyond it the cache starts again. */
const CLOCKS_MAX = 64;
/** Two shifts, a weekend and a few exceptions: more than a person can keep in mind is a mistake. */
const WINDOWS_OF_ONE_MAX = 8;

/**
 * Open from `from` until `to`, both in minutes since midnight, by the clock on the wall of its zone. Where `to` comes first the window
 * crosses midnight: its days are those on which it opens.
 */
export const changeWindow = z.strictObject({
  days: z.array(z.enum(DAYS)).min(1).max(7),
  fromMinute: z.int().min(0).max(1439),
  toMinute: z.int().min(1).max(1440),
  /** IANA name, such as Europe/Berlin; absent: UTC. */
  zone: z.string().max(64).refine(isZone, 'not an IANA time zone').optional(),
});
export type ChangeWindow = z.infer<typeof changeWindow>;

/** One window, or several: open while one of them is. */
export const windowNames = z.union([identifier, z.array(identifier).min(1).max(WINDOWS_OF_ONE_MAX)]);
export type WindowNames = z.infer<typeof windowNames>;

export const windowsOf = (named: WindowNames | undefined): readonly string[] =>
  named === undefined ? [] : typeof named === 'string' ? [named] : named;

/** Whether one of the windows that are named is open. One that the bundle does not have is closed. */
export function isAnyOpen(windows: Readonly<Record<string, ChangeWindow>>, named: WindowNames, nowMs: number): boolean {
  return windowsOf(named).some((name) => {
    const window = own(windows, name);
    return window !== undefined && isOpen(window, nowMs);
  });
}

/** Whether a change window is open: by the wall clock of its zone, so an hour that a change of the clock skips or repeats is skipped or repeated. */
export function isOpen(window: ChangeWindow, nowMs: number): boolean {
  const { day, minute } = window.zone === undefined ? utc(nowMs) : zoned(window.zone, nowMs);
  if (day === undefined) return false;
  const { fromMinute, toMinute } = window;
  if (fromMinute < toMinute) return isOn(window, day) && fromMinute <= minute && minute < toMinute;
  return (isOn(window, day) && fromMinute <= minute) || (isOn(window, dayBefore(day)) && minute < toMinute);
}

const isOn = (window: ChangeWindow, day: Day): boolean => window.days.includes(day);
const dayBefore = (day: Day): Day => DAYS[(DAYS.indexOf(day) + 6) % 7] ?? 'sun';

/** Whether the zone is one that this Node knows, by its IANA name: an offset such as +01:00 has no daylight saving. */
export function isZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    clockOf(name);
    return true;
  } catch {
    return false;
  }
}

/** A place, or UTC: an abbreviation is another zone than people mean by it (BST is Dhaka's, EST has no summer). */
export const isUnmistakableZone = (name: string): boolean => name === 'UTC' || (name.includes('/') && isZone(name));

interface WallClock {
  readonly day: Day | undefined;
  /** Since midnight. */
  readonly minute: number;
}

function utc(nowMs: number): WallClock {
  // 1 January 1970 was a Thursday.
  return { day: DAYS[(Math.floor(nowMs / DAY_MS) + 4) % 7], minute: Math.floor((nowMs % DAY_MS) / 60_000) };
}

function zoned(zone: string, nowMs: number): WallClock {
  const parts = new Map(
    clockOf(zone)
      .formatToParts(nowMs)
      .map(({ type, value }) => [type, value]),
  );
  const weekday = parts.get('weekday')?.toLowerCase();
  return { day: DAYS.find((day) => day === weekday), minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) };
}

const clocks = new Map<string, Intl.DateTimeFormat>();

function clockOf(zone: string): Intl.DateTimeFormat {
  const known = clocks.get(zone);
  if (known) return known;
  const clock = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  if (clocks.size >= CLOCKS_MAX) clocks.clear();
  clocks.set(zone, clock);
  return clock;
}
