import type { FollowedEntry } from '#adapters';
import { formatTime } from '#domain';
import { describe, expect, it } from 'vitest';

import { CliError } from './errors.ts';
import { InForceReader, parseAt } from './in-force.ts';

/** A lane: what happened, one second after another. */
const LANE = [
  ['_system.0', 0, 'genesis'],
  ['_system.0', 1, 'tenant.registered'],
  ['acme', 0, 'genesis'],
  ['_system.0', 2, 'bundle.activated', 'one'],
  ['acme', 1, 'bundle.activated', 'one'],
  ['acme', 2, 'action.decided'],
  ['_system.0', 3, 'tenant.registered'],
  ['late', 0, 'genesis'],
  ['_system.0', 4, 'bundle.activated', 'two'],
  ['acme', 3, 'bundle.activated', 'two'],
  ['late', 1, 'bundle.activated', 'two'],
] as const;

function inForce(tree: string, at: string | undefined): string | undefined {
  const reader = new InForceReader(tree, parseAt(at));
  LANE.forEach(([tenant, leafIndex, kind, activated], second) => {
    const predicate = { decidedAt: formatTime(second * 1000), activated, bundleName: 'x' };
    reader.add({ record: { tenant, leafIndex }, kind, statement: { predicate } } as unknown as FollowedEntry);
  });
  return reader.inForce?.digest;
}

describe('the bundle in force', () => {
  it.each([
    ['acme', undefined, 'two'],
    ['acme', '0', undefined],
    ['acme', '1', 'one'],
    ['acme', '2', 'one'],
    ['acme', '3', 'two'],
    ['late', '0', 'one'],
    ['_system.0', '1', undefined],
    ['_system.0', '2', 'one'],
    ['acme', '1970-01-01T00:00:02.999Z', undefined],
    ['acme', '1970-01-01T00:00:03.000Z', 'one'],
    ['acme', '1970-01-01T00:00:07Z', 'one'],
    ['acme', '1970-01-01T00:00:08Z', 'two'],
  ])('of %s at %s is %s', (tree, at, digest) => {
    expect(inForce(tree, at)).toBe(digest);
  });
  it.each(['4', 'yesterday', '1970-13-01T00:00:00Z', '-1'])('is not told at %s', (at) => {
    expect(() => inForce('acme', at)).toThrow(CliError);
  });
});
