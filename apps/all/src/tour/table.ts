import { say } from '../say.ts';
import type { Row } from './expect.ts';

const HEAD = { name: 'action', verdict: 'verdict', reason: 'reason', receipt: 'receipt' };

/** What was proposed, what came of it, and that its receipt was verified with nothing but a trust file. */
export function printTable(rows: readonly Row[]): void {
  const widthOf = (column: keyof typeof HEAD): number => Math.max(...[HEAD, ...rows].map((row) => row[column].length));
  const widths = { name: widthOf('name'), verdict: widthOf('verdict'), reason: widthOf('reason'), receipt: widthOf('receipt') };
  const line = (row: typeof HEAD, last: string): string =>
    `${row.name.padEnd(widths.name)}  ${row.verdict.padEnd(widths.verdict)}  ${row.reason.padEnd(widths.reason)}  ${row.receipt.padEnd(widths.receipt)}  ${last}`;
  say();
  say(line(HEAD, 'verified offline'));
  say(line(HEAD, 'verified offline').replaceAll(/[^ ]/g, '-'));
  for (const row of rows) say(line(row, row.receipt === '-' ? 'NO' : 'yes'));
  const wrong = rows.filter(({ fault }) => fault !== undefined);
  say();
  for (const { name, fault } of wrong) say(`NOT AS EXPECTED  ${name}: ${fault ?? ''}`);
  say(`${rows.length - wrong.length} of ${rows.length} as expected`);
}
