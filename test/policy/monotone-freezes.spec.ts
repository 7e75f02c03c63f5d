/** For every bundle that may be activated: a freeze that is added never turns DENY or ESCALATE into ALLOW, as `decide` has it. */
import { ed25519PublicKey } from '#crypto';
import { base64, type Bundle, type FreezeScope, keyIdOf, SYSTEM_TENANT } from '#domain';
import { CI_SEED, MemoryLane } from '#testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';

import { bundleOf, engine, PARAMETERS, policies, proposals, requires, SCOPE } from './any-bundle.ts';

const freezes = (values: readonly FreezeScope[]) =>
  fc.array(fc.record({ level: fc.constantFrom('freeze', 'stop'), scope: fc.constantFrom(...values) }), { minLength: 1, maxLength: 2 });
const inScope = (tenant: string, cls: string, connector: string, agent: string): FreezeScope[] => [
  { kind: 'tenant', value: tenant },
  { kind: 'class', value: cls },
  { kind: 'connector', value: connector },
  { kind: 'agent', value: agent },
];
/** Each of them covers all of the proposals: acme's bot wants a change through the tool. */
const covering = freezes([{ kind: 'all' }, ...inScope('acme', 'change', 'tool', 'bot')]);
const beside = freezes(inScope('globex', 'note', 'none', 'other'));
/** Half of them allow something. */
const someAllow = fc.oneof(policies, fc.constant([`@unattended("x") permit ${SCOPE} when { context.ci };`]));

/** A lane with the bundle in force, where a platform may propose and CI may vouch. */
function laneWith(bundle: Bundle): MemoryLane {
  const lane = new MemoryLane({ engine });
  lane.initialise();
  for (const tenant of ['acme', 'globex']) lane.registerTenant(tenant);
  lane.registerIssuer('acme', 'platform', 'platform', {
    actors: [
      { kind: 'agent', id: 'bot' },
      { kind: 'person', id: 'bot' },
    ],
  });
  const ci = ed25519PublicKey(CI_SEED);
  lane.registerIssuer('acme', 'ci', 'ci', { keys: [{ keyid: keyIdOf(ci), publicKey: base64(ci) }] });
  lane.activate(bundle);
  return lane;
}

it('a freeze or a stop that is added denies what it covers, and changes nothing else', { timeout: 120_000 }, () => {
  const signing = new MemoryLane();
  const values = proposals(signing.birth.initialisedDigest).map(({ tenant, issuer, id, ...body }, at) =>
    signing.sign({ kind: 'action.proposed', tenant, issuer, id: `${id}-${at}`, body }),
  );
  let stopped = 0;
  fc.assert(
    fc.property(someAllow, requires, beside, covering, (texts, required, others, more) => {
      const bundle = bundleOf(texts, required);
      fc.pre(engine.refusals(bundle).length === 0);
      const lane = laneWith(bundle);
      const verdictsAfter = (raised: typeof others): unknown[] => {
        for (const each of raised) lane.control('freeze.raised', SYSTEM_TENANT, { ...each, by: 'ana', why: 'incident 7' });
        return values.map((value) => {
          const [entry] = lane.decide({ kind: 'record', topic: 'actions', offset: 0n, value, inputKey: new Uint8Array(32) }).entries;
          return entry?.statement.predicate.verdict;
        });
      };
      const before = verdictsAfter([]);
      expect(verdictsAfter(others), texts.join('\n')).toEqual(before);
      const denied = before.map(() => 'DENY');
      expect(verdictsAfter(more), texts.join('\n')).toEqual(denied);
      expect(verdictsAfter(others), texts.join('\n')).toEqual(denied);
      if (before.includes('ALLOW')) stopped += 1;
    }),
    PARAMETERS,
  );
  expect(stopped).toBeGreaterThan(0);
});
