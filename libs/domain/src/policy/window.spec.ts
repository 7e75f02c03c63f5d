import { describe, expect, it } from 'vitest';

import { type ChangeWindow, isAnyOpen, isOpen, isUnmistakableZone, isZone } from './window.ts';

const nights: ChangeWindow = { days: ['sun'], fromMinute: 120, toMinute: 180 };
const at = (window: ChangeWindow, time: string): boolean => isOpen(window, Date.parse(time));

describe('a change window', () => {
  it('is open from its start until before its end, on its days, in UTC without a zone', () => {
    expect(
      ['2026-11-29T01:59:59.999Z', '2026-11-29T02:00:00Z', '2026-11-29T02:59:59.999Z', '2026-11-29T03:00:00Z', '2026-11-28T02:00:00Z'].map(
        (time) => at(nights, time),
      ),
    ).toEqual([false, true, true, false, false]);
  });

  const berlin: ChangeWindow = {
    days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'],
    fromMinute: 540,
    toMinute: 600,
    zone: 'Europe/Berlin',
  };
  it.each([
    ['winter', '2026-01-15T08:00:00Z', '2026-01-15T07:00:00Z'],
    ['summer', '2026-07-15T07:00:00Z', '2026-07-15T08:00:00Z'],
    ['the Sunday on which summer begins', '2026-03-29T07:00:00Z', '2026-03-29T08:00:00Z'],
    ['the Sunday on which it ends', '2026-10-25T08:00:00Z', '2026-10-25T07:00:00Z'],
  ])('in a zone keeps its wall clock: %s', (_when, open, closed) => {
    expect([at(berlin, open), at(berlin, closed)]).toEqual([true, false]);
  });

  it('skips an hour that the clock skips', () => {
    const skipped = { ...nights, zone: 'Europe/Berlin' };
    const minutes = Array.from({ length: 26 * 60 }, (_, minute) => Date.parse('2026-03-28T22:00:00Z') + minute * 60_000);
    expect(minutes.filter((nowMs) => isOpen(skipped, nowMs))).toEqual([]);
  });
  it('is open twice in an hour that the clock repeats', () => {
    const repeated = { ...nights, zone: 'Europe/Berlin' };
    const minutes = Array.from({ length: 26 * 60 }, (_, minute) => Date.parse('2026-10-24T22:00:00Z') + minute * 60_000);
    expect(minutes.filter((nowMs) => isOpen(repeated, nowMs))).toHaveLength(120);
  });
  it('knows the day of the zone, not that of UTC', () => {
    const tokyo: ChangeWindow = { days: ['mon'], fromMinute: 0, toMinute: 1440, zone: 'Asia/Tokyo' };
    expect([at(tokyo, '2026-11-29T14:59:59Z'), at(tokyo, '2026-11-29T15:00:00Z'), at(tokyo, '2026-11-30T15:00:00Z')]).toEqual([
      false,
      true,
      false,
    ]);
  });
  it('has half an hour where the zone has', () => {
    const kolkata: ChangeWindow = { days: ['wed'], fromMinute: 0, toMinute: 30, zone: 'Asia/Kolkata' };
    expect([at(kolkata, '2026-11-24T18:29:00Z'), at(kolkata, '2026-11-24T18:30:00Z'), at(kolkata, '2026-11-24T19:00:00Z')]).toEqual([
      false,
      true,
      false,
    ]);
  });
  it('begins at midnight, which is hour 0', () => {
    const midnight: ChangeWindow = { days: ['wed'], fromMinute: 0, toMinute: 1, zone: 'Europe/Berlin' };
    expect(at(midnight, '2026-11-24T23:00:30Z')).toBe(true);
  });
});

describe('a change window that crosses midnight', () => {
  const night: ChangeWindow = { days: ['thu'], fromMinute: 1320, toMinute: 240, zone: 'Europe/Berlin' };
  const open = (...times: string[]): boolean[] => times.map((time) => at(night, time));
  it('is open from its start on its day until its end on the next', () => {
    expect(open('2026-11-26T20:59:59.999Z', '2026-11-26T21:00:00Z', '2026-11-26T22:59:59Z')).toEqual([false, true, true]);
    expect(open('2026-11-26T23:00:00Z', '2026-11-27T02:59:59.999Z', '2026-11-27T03:00:00Z')).toEqual([true, true, false]);
  });
  it('is closed in the small hours of its own day and in the evening of the next', () => {
    expect(open('2026-11-26T01:00:00Z', '2026-11-27T22:00:00Z', '2026-11-28T01:00:00Z')).toEqual([false, false, false]);
  });
  it('goes on from Saturday into Sunday', () => {
    const saturday: ChangeWindow = { days: ['sat'], fromMinute: 1380, toMinute: 60 };
    expect(['2026-11-28T23:30:00Z', '2026-11-29T00:30:00Z', '2026-11-28T00:30:00Z'].map((time) => at(saturday, time))).toEqual([
      true,
      true,
      false,
    ]);
  });
  const minutesOpen = (window: ChangeWindow, from: string): number =>
    Array.from({ length: 26 * 60 }, (_, minute) => Date.parse(from) + minute * 60_000).filter((nowMs) => isOpen(window, nowMs)).length;
  const saturdays: ChangeWindow = { days: ['sat'], fromMinute: 1320, toMinute: 240, zone: 'Europe/Berlin' };
  it('is an hour shorter in the night in which the clock skips one, and an hour longer in that in which it repeats one', () => {
    expect([
      minutesOpen(saturdays, '2026-03-28T12:00:00Z'),
      minutesOpen(saturdays, '2026-10-24T12:00:00Z'),
      minutesOpen(saturdays, '2026-11-28T12:00:00Z'),
    ]).toEqual([300, 420, 360]);
  });
});

describe('several windows', () => {
  const windows = {
    day: { days: ['wed'], fromMinute: 480, toMinute: 1080 },
    night: { days: ['wed'], fromMinute: 1320, toMinute: 240 },
  } as const;
  const mutable = structuredClone(windows) as unknown as Record<string, ChangeWindow>;
  const anyOpen = (named: string | string[], time: string): boolean => isAnyOpen(mutable, named, Date.parse(time));
  it('are open while one of them is', () => {
    const times = ['2026-11-25T12:00:00Z', '2026-11-25T20:00:00Z', '2026-11-25T23:00:00Z', '2026-11-26T03:00:00Z', '2026-11-26T12:00:00Z'];
    expect(times.map((time) => anyOpen(['day', 'night'], time))).toEqual([true, false, true, true, false]);
    expect(times.map((time) => anyOpen('day', time))).toEqual([true, false, false, false, false]);
  });
  it('that the bundle does not have are closed', () => {
    expect(anyOpen(['dya', 'constructor'], '2026-11-25T12:00:00Z')).toBe(false);
  });
});

it('a zone that nobody mistakes is UTC, or has a place in its name', () => {
  expect(['UTC', 'Europe/Berlin', 'Asia/Dhaka', 'Etc/GMT+5'].every(isUnmistakableZone)).toBe(true);
  expect(['BST', 'EST', 'CET', 'GB', 'GMT', 'utc', 'Europe/Nowhere', '/'].some(isUnmistakableZone)).toBe(false);
});

it('a zone is an IANA name', () => {
  expect(['Europe/Berlin', 'America/New_York', 'UTC', 'Asia/Kolkata'].map(isZone)).toEqual([true, true, true, true]);
  expect(['Europe/Nowhere', '+01:00', '', '-05', 'x'].map(isZone)).toEqual([false, false, false, false, false]);
});
