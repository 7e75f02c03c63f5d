import { expect, it } from 'vitest';

import { FakeEngine, MemoryLane, testBundle } from '#testing';

import { wire } from '../wire/codec.ts';
import { BundleGate } from './bundle-gate.ts';

const lane = MemoryLane.ready();
const [first, second, third] = ['first', 'second', 'third'].map((name) => testBundle({ name }));

it('a judgement is remembered from the last time a bundle waited, and what is forgotten is refused, never believed', async () => {
  if (!first || !second || !third) throw new Error('three bundles');
  let judged = 0;
  const check = (): Promise<readonly string[]> => {
    judged += 1;
    return Promise.resolve([]);
  };
  const gate = new BundleGate(new FakeEngine(), wire, () => undefined, check, 2);
  const prepare = ({ document }: typeof first) =>
    gate.prepare(lane.state, lane.parties.value({ kind: 'bundle.activated', body: { bundle: document } }, lane.nowMs));
  for (const bundle of [first, second, first, third]) await prepare(bundle);
  expect(judged).toBe(3);
  expect([first, second, third].map((bundle) => gate.refusals(bundle).length)).toEqual([0, 1, 0]);
});
