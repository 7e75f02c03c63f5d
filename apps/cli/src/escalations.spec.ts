import { MemoryLane, readBatches } from '#testing';
import { expect, it } from 'vitest';

import { Escalations } from './escalations.ts';

it('a person who votes as ben and as BEN is counted once, as the ledger counts people', () => {
  const lane = MemoryLane.ready();
  const [asked] = lane.propose('waits', { resource: { type: 'thing', id: 'high' } });
  const { index = '', bindingDigest } = (asked?.statement.predicate ?? {}) as { index?: string; bindingDigest?: string };
  const facts = new Escalations('acme');
  for (const by of ['ben', 'BEN']) lane.control('approval.recorded', 'acme', { decision: index, bindingDigest, vote: 'approve', by });
  for (const batch of readBatches(lane)) for (const entry of batch.entries) facts.add({ ...entry, lane: 0, offset: 0n });
  expect([...(facts.byIndex.get(Number(index))?.approvals ?? [])]).toEqual(['ben']);
});
