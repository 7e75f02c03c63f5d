/** Windows that do not exist, that never open, or that open at other hours than people mean. */
import { own } from './pointer.ts';
import type { PolicyTables } from './tables.ts';
import { type ChangeWindow, isUnmistakableZone, type WindowNames, windowsOf } from './window.ts';

export const unknownWindows = ({ windows }: PolicyTables, named: WindowNames | undefined): string[] =>
  windowsOf(named)
    .filter((name) => !own(windows, name))
    .map((name) => `unknown window ${name}`);

export function windowFaults({ format, windows }: PolicyTables): string[] {
  const faultsOf = format === 1 ? faultsOfFormat1 : faultsOfFormat2;
  return Object.entries(windows).flatMap(([id, window]) => faultsOf(window).map((fault) => `window ${id}: ${fault}`));
}

const faultsOfFormat1 = ({ fromMinute, toMinute }: ChangeWindow): string[] => (fromMinute >= toMinute ? ['never open'] : []);

function faultsOfFormat2({ fromMinute, toMinute, zone }: ChangeWindow): string[] {
  const faults: string[] = [];
  if (fromMinute === toMinute) faults.push('opens and closes in the same minute: a whole day is from 0 to 1440');
  if (zone !== undefined && !isUnmistakableZone(zone)) faults.push(`zone ${zone}: expected UTC or a name with a /, such as Europe/Berlin`);
  return faults;
}
