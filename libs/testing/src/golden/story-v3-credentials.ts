/** What credentials may say of actors, and what their revocation reaches. */
import type { ActingLane } from './acting-lane.ts';

const HIGH = { resource: { type: 'thing', id: 'high' } };
const HELPER = { kind: 'agent', id: 'helper' };

export function credentials(lane: ActingLane): void {
  platforms(lane);
  tokens(lane);
  executors(lane);
}

/** One with a list, one without. */
function platforms(lane: ActingLane): void {
  lane.registerIssuer('acme', 'listed', 'platform', {
    actors: [
      { ...HELPER, actingFor: ['ana'] },
      { kind: 'agent', id: '*' },
    ],
  });
  lane.registerIssuer('acme', 'unlisted', 'platform', { actors: undefined });
  const by = { issuer: 'listed' };
  lane.propose('for-ana', { actor: { ...HELPER, actingFor: 'ana' } }, by);
  lane.propose('for-nobody', { actor: HELPER }, by);
  lane.propose('of-another-kind', { actor: { kind: 'person', id: 'helper' } }, by);
  lane.propose('of-any-id', { actor: { kind: 'agent', id: 'another' } }, by);
  lane.propose('unlisted', {}, { issuer: 'unlisted' });
  lane.ask('cancelled', { actor: { ...HELPER, actingFor: 'ana' } }, by);
  const permitted = lane.only(lane.propose('withdrawn', { actor: { kind: 'agent', id: 'another' } }, by));
  lane.control('issuer.revoked', 'acme', { revokes: 'listed' });
  lane.claim(permitted, 'withdrawn');
}

/** What the gateway says for one, and for none. */
function tokens(lane: ActingLane): void {
  const by = { issuer: 'gateway' };
  lane.propose('before-it-is-issued', {}, by);
  lane.issueToken('acme');
  const permitted = lane.only(lane.propose('by-token', {}, by));
  lane.propose('by-token', {}, by);
  lane.propose('asked-by-token', HIGH, by);
  lane.control('token.revoked', 'acme', { revokes: 'token-gateway' });
  lane.claim(permitted, 'by-token');
  lane.propose('after-it-is-revoked', {}, by);
}

/** Of what it has claimed, nobody believes a report any more. */
function executors(lane: ActingLane): void {
  const claimed = lane.claim(lane.only(lane.propose('claimed-by-one-revoked')), 'claimed-by-one-revoked', { issuer: 'runner' });
  lane.control('issuer.revoked', 'acme', { revokes: 'runner' });
  lane.report(claimed, 'result', 'succeeded');
}
