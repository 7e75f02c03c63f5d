import { testBundle, testProposal } from '#testing';
import { expect, it } from 'vitest';

import { summaryOf, unknownHoles } from './summary.ts';
import type { ClassRule } from './tables.ts';

const { note } = testBundle().tables.classes;
const rule = (summary?: string): ClassRule => {
  if (!note) throw new Error('the test bundle has no class note');
  return summary === undefined ? note : { ...note, summary };
};
const proposal = testProposal();

it('a summary is filled from the proposal', () => {
  expect(summaryOf(rule('{actor}: {operation} {/artifact} on {resource} by {connector}, {/amount}'), proposal)).toBe(
    'bot: apply v2 on thing low by tool, 1',
  );
  expect(summaryOf(rule(), proposal)).toBe('apply on thing low');
});
it('a summary says ? for what is not there, or is no scalar', () => {
  expect(summaryOf(rule('{/back} {/nowhere} {/constructor}'), proposal)).toBe('? ? ?');
});
it('a summary is one line, whatever the proposer writes, and fills no hole twice', () => {
  const parameters = { a: 'x\ny\u202e{actor}', b: 'z'.repeat(500) };
  const line = summaryOf(rule('{/a} {/b}'), { ...proposal, parameters });
  expect(line.startsWith('xy{actor} zz')).toBe(true);
  expect(line).toHaveLength(256);
});
it('holes that nothing fills are known before', () => {
  expect(unknownHoles('{actor} {/x} {who}')).toEqual(['who']);
});
