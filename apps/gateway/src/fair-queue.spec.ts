import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { FairQueue } from './fair-queue.ts';

fc.configureGlobal(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) });

describe('a fair queue', () => {
  it('lets a tenant with one item wait for one item of each other tenant, however many they have', () => {
    const queue = new FairQueue<string>();
    for (let at = 0; at < 1000; at++) queue.push('greedy', `greedy-${at}`);
    queue.push('other', 'other-0');
    queue.push('third', 'third-0');
    expect([queue.take(), queue.take(), queue.take(), queue.take()]).toEqual(['greedy-0', 'other-0', 'third-0', 'greedy-1']);
    expect([queue.length, queue.lengthOf('greedy'), queue.lengthOf('other'), queue.peek()]).toEqual([998, 998, 0, 'greedy-2']);
  });

  it('keeps the order of each tenant, loses nothing and invents nothing', () => {
    const step = fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const queue = new FairQueue<readonly [string, number]>();
        const pushed = new Map<string, number>();
        const taken = new Map<string, number>();
        const take = (): void => {
          const item = queue.take();
          if (!item) return;
          expect(item[1]).toBe(taken.get(item[0]) ?? 0);
          taken.set(item[0], item[1] + 1);
        };
        for (const tenant of steps) {
          if (tenant === undefined) take();
          else {
            const number = pushed.get(tenant) ?? 0;
            queue.push(tenant, [tenant, number]);
            pushed.set(tenant, number + 1);
          }
        }
        while (queue.length > 0) take();
        expect(taken).toEqual(new Map([...pushed].filter(([, count]) => count > 0)));
        expect(queue.take()).toBeUndefined();
      }),
    );
  });
});
