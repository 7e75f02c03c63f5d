import { say } from '../say.ts';
import type { Row } from './expect.ts';

/** A row that is proved by nothing has no receipt. */
export interface ProofRow {
  readonly about: string;
  readonly proof: string;
  readonly receipt: string | undefined;
}

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

export function printProofs(rows: readonly ProofRow[]): void {
  const head = { about: 'what happened', proof: 'its proof', receipt: 'receipt' };
  const all = [head, ...rows.map((row) => ({ ...row, receipt: row.receipt ?? '-' }))];
  const widthOf = (column: keyof typeof head): number => Math.max(...all.map((row) => row[column].length));
  const [about, proof, receipt] = [widthOf('about'), widthOf('proof'), widthOf('receipt')];
  say();
  for (const [at, row] of all.entries()) {
    const last = at === 0 ? 'verified offline' : row.receipt === '-' ? 'NO' : 'yes';
    const line = `${row.about.padEnd(about)}  ${row.proof.padEnd(proof)}  ${row.receipt.padEnd(receipt)}  ${last}`;
    say(line);
    if (at === 0) say(line.replaceAll(/[^ ]/g, '-'));
  }
  say();
  say(`${rows.filter((row) => row.receipt !== undefined).length} of ${rows.length} proved`);
}
