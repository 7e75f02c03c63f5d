import { expect, it } from 'vitest';

import { Coverage } from '#testing';

import { tell } from './histories.ts';

/** With real signatures throughout, too. */
it('a seed gives the same history again, and another seed another one', async () => {
  const traces: string[] = [];
  for (const seed of [1, 4, 7, 1, 4, 7]) {
    const { faults, trace } = await tell(seed, new Coverage());
    expect(faults).toEqual([]);
    traces.push(trace.join('\n'));
  }
  expect(traces.slice(3)).toEqual(traces.slice(0, 3));
  expect(new Set(traces).size).toBe(3);
});
