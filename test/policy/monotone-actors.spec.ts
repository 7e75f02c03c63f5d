/**
 * For every bundle that may be activated: an actor that is said otherwise, of another kind, under another id, for another person or for nobody,
 * never loosens what is decided. Which actors are whose is the credential's list: as `decide` has it, with freezes.
 */
import { ed25519PublicKey } from '#crypto';
import { ACTOR_KINDS, type ActorRule, base64, type Bundle, type Entry, keyIdOf, SYSTEM_TENANT } from '#domain';
import { CI_SEED, MemoryLane } from '#testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';

import { bundleOf, engine, PARAMETERS, policies, proposals, requires, SCOPE } from './any-bundle.ts';

const LOOSENESS = ['DENY', 'ESCALATE', 'ALLOW'];
const TRUE_ACTOR = { kind: 'agent', id: 'bot', actingFor: 'ana' };
interface Said {
  readonly kind: string;
  readonly id: string;
  readonly actingFor?: string;
}

/** Half of them deny agents something, or ask people of it, that they allow others. */
const tellingKinds = fc.oneof(
  policies,
  fc.constantFrom(
    [`@unattended("x") permit ${SCOPE} unless { principal is agent };`, `@approval("two-eyes") permit ${SCOPE} when { context.ci };`],
    [`@unattended("x") permit ${SCOPE} when { context.ci };`, `forbid ${SCOPE} when { principal is agent };`],
  ),
);
const said: fc.Arbitrary<Said> = fc
  .record({
    kind: fc.constantFrom(...ACTOR_KINDS),
    id: fc.constantFrom('bot', 'Bot', 'other', 'any'),
    actingFor: fc.constantFrom('ana', 'Ana', 'ben', 'eve', undefined),
  })
  .map(({ actingFor, ...actor }) => (actingFor === undefined ? actor : { ...actor, actingFor }));
/** What the platform's credential lists: always its own actor, for ana, and perhaps for ben. */
const lists: fc.Arbitrary<ActorRule[]> = fc.constantFrom(
  [{ kind: 'agent', id: 'bot', actingFor: ['ana'] }],
  [{ kind: 'agent', id: 'bot', actingFor: ['ana', 'ben'] }],
  [{ kind: 'agent', id: 'bot', actingFor: ['*'] }],
);
const frozen = fc.option(fc.record({ level: fc.constantFrom('freeze', 'stop'), value: fc.constantFrom('bot', 'other') }));

function laneWith(bundle: Bundle, actors: readonly ActorRule[]): MemoryLane {
  const lane = new MemoryLane({ engine });
  lane.initialise();
  lane.registerTenant('acme');
  lane.registerIssuer('acme', 'platform', 'platform', { actors });
  const ci = ed25519PublicKey(CI_SEED);
  lane.registerIssuer('acme', 'ci', 'ci', { keys: [{ keyid: keyIdOf(ci), publicKey: base64(ci) }] });
  lane.activate(bundle);
  return lane;
}
const freeze = (lane: MemoryLane, level: string, value: string): unknown =>
  lane.control('freeze.raised', SYSTEM_TENANT, { level, scope: { kind: 'agent', value }, by: 'ana', why: 'a drill' });

/** What would be decided now; nothing is kept of it. */
function decided(lane: MemoryLane, of: (typeof PROPOSED)[number], actor: Said): Entry {
  const { tenant, issuer, id, actor: _, ...body } = of;
  const value = lane.sign({ kind: 'action.proposed', tenant, issuer, id, body: { ...body, actor } });
  const [entry] = lane.decide({ kind: 'record', topic: 'actions', offset: 0n, value, inputKey: new Uint8Array(32) }).entries;
  if (!entry) throw new Error('no entry');
  return entry;
}
const verdictOf = (entry: Entry): string => entry.statement.predicate.verdict ?? '';
/** Of each risk one: signing is what takes the time. */
const PROPOSED = proposals().filter(({ actor, parameters }) => actor.kind === 'agent' && parameters['amount'] === 50);

it('an actor that is said otherwise than it is never loosens', { timeout: 120_000 }, () => {
  const seen = { stricter: 0, sameVerdict: 0, allowed: 0 };
  fc.assert(
    fc.property(
      tellingKinds,
      requires,
      lists,
      frozen,
      fc.array(said, { minLength: 6, maxLength: 6 }),
      (texts, required, actors, stop, others) => {
        const bundle = bundleOf(texts, required);
        fc.pre(engine.refusals(bundle).length === 0);
        const lane = laneWith(bundle, actors);
        if (stop) freeze(lane, stop.level, stop.value);
        for (const proposal of PROPOSED) {
          const before = LOOSENESS.indexOf(verdictOf(decided(lane, proposal, TRUE_ACTOR)));
          if (before === 2) seen.allowed += 1;
          for (const other of others) {
            const after = LOOSENESS.indexOf(verdictOf(decided(lane, proposal, other)));
            expect(after, `${texts.join('\n')}\n${JSON.stringify([actors, other])}`).toBeLessThanOrEqual(before);
            // Who may not answer is never left out.
            if (after > 0) expect(other.actingFor, JSON.stringify([actors, other])).toBeDefined();
            if (after < before) seen.stricter += 1;
            else seen.sameVerdict += 1;
          }
        }
      },
    ),
    PARAMETERS,
  );
  expect(Math.min(seen.allowed, seen.stricter, seen.sameVerdict)).toBeGreaterThan(0);
});

it('under a freeze of an agent, no id that a * lets be said is allowed or asked of people', { timeout: 120_000 }, () => {
  let stopped = 0;
  fc.assert(
    fc.property(tellingKinds, requires, fc.constantFrom('freeze', 'stop'), (texts, required, level) => {
      const bundle = bundleOf(texts, required);
      fc.pre(engine.refusals(bundle).length === 0);
      const lane = laneWith(bundle, [{ kind: 'agent', id: '*' }]);
      const verdicts = () =>
        ['bot', 'Bot', 'other'].flatMap((id) => PROPOSED.map((of) => verdictOf(decided(lane, of, { kind: 'agent', id }))));
      if (verdicts().some((verdict) => verdict !== 'DENY')) stopped += 1;
      freeze(lane, level, 'bot');
      expect(new Set(verdicts())).toEqual(new Set(['DENY']));
    }),
    PARAMETERS,
  );
  expect(stopped).toBeGreaterThan(0);
});
