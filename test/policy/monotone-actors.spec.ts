/**
 * For every bundle that may be activated: an actor that is said otherwise, of another kind, under another id, for another person or for nobody,
 * never loosens what is decided. Which actors are whose is the credential's list: as `decide` has it, with freezes.
 */
import { ed25519PublicKey } from '#crypto';
import { ACTOR_KINDS, type ActorRule, base64, type Bundle, keyIdOf, type Proposal, SYSTEM_TENANT } from '#domain';
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

/** Half of them deny agents something that they allow others, ask people of it, or allow it. */
const tellingKinds = fc.oneof(
  policies,
  fc.constantFrom(
    [`@unattended("x") permit ${SCOPE} unless { principal is agent };`, `@approval("two-eyes") permit ${SCOPE} when { context.ci };`],
    [`@unattended("x") permit ${SCOPE} when { context.ci };`, `forbid ${SCOPE} when { principal is agent };`],
    [`@unattended("x") permit ${SCOPE} when { context.ci };`],
  ),
);
/** Every way to say an actor, the true one among them. */
const SAID: readonly Said[] = ACTOR_KINDS.flatMap((kind) =>
  ['bot', 'Bot', 'other'].flatMap((id) => [{ kind, id }, ...['ana', 'Ana', 'ben', 'eve'].map((actingFor) => ({ kind, id, actingFor }))]),
);
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

/** Of each risk one. */
const signing = new MemoryLane();
const PROPOSED = proposals(signing.birth.initialisedDigest).filter(
  ({ actor, parameters }) => actor.kind === 'agent' && parameters['amount'] === 50,
);
const valueOf = ({ tenant, issuer, id, ...body }: Proposal, actor: Said): Uint8Array =>
  signing.sign({ kind: 'action.proposed', tenant, issuer, id, body: { ...body, actor } });
/** Signed once: all lanes have one birth. */
const QUESTIONS = PROPOSED.map((proposal) => ({
  truth: valueOf(proposal, TRUE_ACTOR),
  others: SAID.map((actor) => ({ actor, value: valueOf(proposal, actor) })),
}));

/** What would be decided now; nothing is kept of it. */
function verdictOf(lane: MemoryLane, value: Uint8Array): string {
  const [entry] = lane.decide({ kind: 'record', topic: 'actions', offset: 0n, value, inputKey: new Uint8Array(32) }).entries;
  return entry?.statement.predicate.verdict ?? 'nothing';
}

it('an actor that is said otherwise than it is never loosens', { timeout: 120_000 }, () => {
  const seen = { allowed: 0, stricter: 0, alike: 0 };
  fc.assert(
    fc.property(tellingKinds, requires, lists, frozen, (texts, required, actors, stop) => {
      const bundle = bundleOf(texts, required);
      fc.pre(engine.refusals(bundle).length === 0);
      const lane = laneWith(bundle, actors);
      if (stop) freeze(lane, stop.level, stop.value);
      for (const { truth, others } of QUESTIONS) {
        const before = LOOSENESS.indexOf(verdictOf(lane, truth));
        for (const { actor, value } of others) {
          const after = LOOSENESS.indexOf(verdictOf(lane, value));
          const what = `${texts.join('\n')}\n${JSON.stringify([actors, actor])}`;
          expect(after, what).toBeLessThanOrEqual(before);
          if (after > 0) expect(actor.actingFor, what).toBeDefined(); // who may not answer is never left out
          if (before === 2) seen.allowed += 1;
          if (after < before) seen.stricter += 1;
          if (after === before && after > 0) seen.alike += 1;
        }
      }
    }),
    PARAMETERS,
  );
  expect(Math.min(seen.allowed, seen.stricter, seen.alike)).toBeGreaterThan(0);
});

it('under a freeze of an agent, no id that a * lets be said is allowed or asked of people', { timeout: 120_000 }, () => {
  let stopped = 0;
  fc.assert(
    fc.property(tellingKinds, requires, fc.constantFrom('freeze', 'stop'), (texts, required, level) => {
      const bundle = bundleOf(texts, required);
      fc.pre(engine.refusals(bundle).length === 0);
      const lane = laneWith(bundle, [{ kind: 'agent', id: '*' }]);
      const ofAgents = QUESTIONS.flatMap(({ others }) =>
        others.filter(({ actor }) => actor.kind === 'agent' && actor.actingFor === undefined),
      );
      const verdicts = (): string[] => ofAgents.map(({ value }) => verdictOf(lane, value));
      if (verdicts().some((verdict) => verdict !== 'DENY')) stopped += 1;
      freeze(lane, level, 'bot');
      expect(new Set(verdicts())).toEqual(new Set(['DENY']));
    }),
    PARAMETERS,
  );
  expect(stopped).toBeGreaterThan(0);
});
