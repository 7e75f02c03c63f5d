import type { ActingLane } from './acting-lane.ts';

/** Every key has a second life: a party's further key, and the end of its first one. */
export function keys(lane: ActingLane): void {
  const further = lane.parties.publicKeyOf('platform of globex, second');
  lane.control('key.added', 'globex', { holder: 'platform', adds: further });
  lane.control('key.revoked', 'globex', { holder: 'platform', revokes: lane.parties.publicKeyOf('platform of globex').keyid });
  lane.propose('by-the-old-key', {}, { tenant: 'globex' });
  lane.propose('by-the-new-key', {}, { tenant: 'globex', signer: 'platform of globex, second' });
  for (const role of ['gateway', 'admin', 'decider'] as const) lane.rotateKey(role);
  lane.propose('after-the-rotations', {}, { tenant: 'globex', signer: 'platform of globex, second' });
  for (const tenant of ['globex', '_system.0']) lane.rotateLog(tenant);
  lane.propose('in-the-next-log', {}, { tenant: 'globex', signer: 'platform of globex, second' });
}
