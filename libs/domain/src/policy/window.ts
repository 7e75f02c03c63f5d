import type { ChangeWindow } from './tables.ts';

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
const DAY_MS = 86_400_000;

/** Whether a change window is open, in UTC. */
export function isOpen(window: ChangeWindow, nowMs: number): boolean {
  const day = DAYS[(Math.floor(nowMs / DAY_MS) + 4) % 7]; // 1 January 1970 was a Thursday
  const minute = Math.floor((nowMs % DAY_MS) / 60_000);
  return day !== undefined && window.days.includes(day) && window.fromMinute <= minute && minute < window.toMinute;
}
