import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { GuardFile, readGuard } from '#adapters';
import { rangeRoot } from '#domain';
import { MemoryLane } from '#testing';

import { guardFault } from './guard-ahead.ts';

const lane = MemoryLane.ready();
lane.propose('a-1');
const { heads } = lane.state;
const tree = heads.trees.get('acme');
if (!tree) throw new Error('acme has a tree');
const { origin, range } = tree;
const root = rangeRoot(range);

/** As a notary's disk holds it, read beside its owner. */
function guarded(size: number, signed = root): ReturnType<typeof readGuard> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-guard-'));
  const guard = GuardFile.open(folder, 0);
  guard.record([{ origin, size, root: signed }]);
  const read = readGuard(folder, 0);
  guard.record([{ origin, size: size + 1, root: signed }]); // the reader has taken nothing from it
  guard.close();
  return read;
}

describe('a guard beside the doctor', () => {
  it('agrees with a ledger that leads to what was signed, or beyond it', () => {
    expect(guardFault(guarded(range.size) ?? new Map(), heads)).toBeUndefined();
    expect(guardFault(guarded(1) ?? new Map(), heads)).toBeUndefined();
    expect(readGuard(tmpdir(), 4711)).toBeUndefined();
  });

  it('that knows more than the ledger says what to do, and so does one that knows another root', () => {
    expect(guardFault(guarded(range.size + 1) ?? new Map(), heads)).toContain(
      `${origin}: signed at size ${range.size + 1}, the ledger ends at ${range.size}: stop the decider, then countersign recover --lane 0`,
    );
    expect(guardFault(guarded(range.size, new Uint8Array(32)) ?? new Map(), heads)).toContain('FORKED: ');
  });

  it('may have signed anything beyond the end of a log that is closed', () => {
    const rotated = MemoryLane.ready();
    rotated.rotateLog('acme');
    expect(guardFault(new Map([[origin, { size: 99, root: '' }]]), rotated.state.heads)).toBeUndefined();
  });
});
