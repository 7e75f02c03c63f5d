import { codecs } from '#adapters';
import { formatTime, signPayload, utf8 } from '#domain';

import { laneBundle, MemoryLane } from '../lane/memory-lane.ts';

/** A lane with every kind of entry and every refusal that rules version 1 knows. Its bytes are committed: never change it. */
export function goldenStory(): MemoryLane {
  const lane = new MemoryLane({ seed: 'golden v1', rules: 1 });
  lane.initialise();
  for (const tenant of ['acme', 'globex']) {
    lane.registerTenant(tenant);
    lane.registerIssuer(tenant, 'platform', 'platform');
  }
  lane.registerIssuer('acme', 'narrow', 'platform', { agents: ['bot-2'] });
  lane.registerIssuer('acme', 'builds', 'ci');
  lane.propose('too-early');
  lane.activate();
  tokens(lane);
  actions(lane);
  refusals(lane);
  lane.control('input.gap', '_system', { topic: 'actions', lane: 0, from: String(lane.state.positions.actions.next), to: '100', epoch: 0 });
  lane.propose('after-the-gap', {}, { tenant: 'globex' });
  lane.control('input.gap', '_system', { topic: 'outcomes', lane: 0, from: String(lane.state.positions.outcomes.next), to: '0', epoch: 1 });
  lane.control('issuer.revoked', 'acme', { revokes: 'narrow' });
  lane.propose('revoked', {}, { issuer: 'narrow' });
  lane.registerTenant('initech');
  lane.activate(laneBundle({ format: 1, name: 'second' }));
  lane.nowMs += 2 * 86_400_000;
  lane.propose('too-late', {}, { expiresAtMs: lane.nowMs });
  return lane;
}

export function tokens(lane: MemoryLane): void {
  const validUntil = formatTime(lane.nowMs + 86_400_000);
  const body = { token: 'token-1', tokenHash: 'ab'.repeat(32), roles: ['propose', 'read'], agents: ['bot'], validUntil };
  lane.control('token.issued', 'acme', body);
  lane.control('token.issued', 'acme', body);
  lane.control('token.revoked', 'acme', { revokes: 'token-1' });
}

function actions(lane: MemoryLane): void {
  const high = { resource: { type: 'thing', id: 'high' } };
  lane.batch([
    { topic: 'actions', value: lane.proposal('allowed') },
    { topic: 'actions', value: lane.proposal('allowed') },
    { topic: 'actions', value: lane.proposal('allowed', { justification: 'other' }) },
    { topic: 'actions', value: lane.proposal('waits', high) },
    { topic: 'actions', value: lane.proposal('waits', high, { tenant: 'globex', issuer: 'gateway' }) },
  ]);
  lane.nowMs += 5;
  lane.propose('shadow-allow', { mode: 'shadow' });
  lane.propose('shadow-escalate', { ...high, mode: 'shadow' });
  lane.propose('shadow-deny', { resource: { type: 'thing', id: 'frozen' }, mode: 'shadow' });
  lane.propose('no-class', { class: 'none' });
  lane.propose('no-contract', { connector: 'none' });
  lane.propose('no-envelope', { operation: 'none' });
  lane.propose('no-match', { resource: { type: 'thing', id: 'private' } });
  lane.propose('frozen', { resource: { type: 'thing', id: 'frozen' } });
  lane.propose('malformed', { surprise: 1 });
  lane.propose('not an id');
  lane.propose('stranger', {}, { issuer: 'narrow' });
  lane.propose('unicode', { parameters: JSON.parse('{"__proto__":"\\u0000","face":"😀","ratio":0.1}') as object });
}

export function refusals(lane: MemoryLane): void {
  const { parties } = lane;
  const envelope = parties.envelope({ kind: 'action.proposed', id: 'refused' }, lane.nowMs);
  const encoded = (change: object): Uint8Array => codecs.signedEnvelope.encode({ ...envelope, ...change });
  const deep = utf8('['.repeat(40) + ']'.repeat(40));
  const nested = signPayload({ kind: 'action.proposed', payload: deep, seed: parties.seedOf('platform of acme'), tenant: 'acme', lane: 0 });
  lane.batch([
    { topic: 'actions', value: null },
    { topic: 'outcomes', value: utf8('hello') },
    { topic: 'actions', value: encoded({ signature: new Uint8Array(64) }) },
    { topic: 'actions', value: encoded({ lane: 1 }) },
    { topic: 'actions', value: codecs.signedEnvelope.encode(nested) },
    { topic: 'actions', value: lane.proposal('refused', {}, { tenant: 'nobody' }) },
    { topic: 'controls', value: lane.sign({ kind: 'issuer.revoked', tenant: 'acme', body: { revokes: 'nobody' } }) },
  ]);
}
