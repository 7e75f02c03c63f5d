import { describe, expect, it } from 'vitest';

import { hex } from '#domain';

import { drawRandom } from './random.ts';

describe('random bytes from a pool', () => {
  it('are never given out twice, whatever their lengths', () => {
    const drawn = new Set<string>();
    for (let at = 0; at < 2000; at++) drawn.add(hex(drawRandom(at % 3 === 0 ? 12 : 32)));
    expect(drawn.size).toBe(2000);
    expect(drawRandom(10_000).length).toBe(10_000);
  });

  it('are the caller’s own: changing them changes no later draw', () => {
    const first = drawRandom(32);
    const kept = hex(first);
    const second = hex(drawRandom(32));
    first.fill(0);
    expect(second).not.toBe(kept);
    expect(second).not.toBe('0'.repeat(64));
  });
});
