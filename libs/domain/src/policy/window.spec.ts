import { describe, expect, it } from 'vitest';

import { type ChangeWindow, isOpen, isZone } from './window.ts';

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

it('a zone is an IANA name', () => {
  expect(['Europe/Berlin', 'America/New_York', 'UTC', 'Asia/Kolkata'].map(isZone)).toEqual([true, true, true, true]);
  expect(['Europe/Nowhere', '+01:00', '', '-05', 'x'].map(isZone)).toEqual([false, false, false, false, false]);
});
