import { expect, it } from 'vitest';

import { drawClusterId } from './cluster-id.ts';

it('a cluster id never begins with a dash, as one in 64 would', () => {
  const drawn = [Buffer.alloc(16, 0xf8), Buffer.alloc(16, 0xfb), Buffer.alloc(16, 0x01)];
  expect(drawn[0]?.toString('base64url')).toMatch(/^-/);
  expect(drawClusterId(() => drawn.shift() ?? Buffer.alloc(16))).toBe('AQEBAQEBAQEBAQEBAQEBAQ');
  expect(drawn).toEqual([]);
});
