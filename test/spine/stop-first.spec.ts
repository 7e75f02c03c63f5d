/* Emergency stops and revocations behind a candidate bundle that takes long to judge. */
import { afterAll, beforeAll, expect, inject, it } from 'vitest';

import { activateBundle, publishControls, raiseFreeze, revokeToken, textOf } from '#adapters';

import { until } from '../support/kafka.ts';
import { LANE, LANES, standardBundle, told, World } from '../support/world.ts';

const lanes = Array.from({ length: LANES }, (_, lane) => lane);
let world: World;
let judged: PromiseWithResolvers<readonly string[]>;

beforeAll(async () => {
  world = await World.open(inject('brokers'), 'stop-first');
  await world.stop('decider');
  judged = Promise.withResolvers();
  await world.start('decider', { checkBundle: () => judged.promise });
  await world.untilReady('decider');
});
afterAll(() => world.close());

const candidate = () => ({ ...standardBundle(), name: 'next' });
const publish = (...controls: Parameters<typeof publishControls>[2][]) => publishControls(world.home, world.writer, controls.flat());
/** What became of a control of every lane, on each. */
const answers = async (published: Awaited<ReturnType<typeof publish>>): Promise<string[]> => {
  const receipts = await Promise.all(published.map(({ lane, offset }) => world.receiptOf({ topic: 'controls', lane, offset })));
  return receipts.map(({ kind, statement: { predicate } }) => (kind === 'input.refused' ? textOf(predicate, 'detail') : kind));
};

it('actions are decided while a candidate bundle is being judged', async () => {
  await publish(activateBundle(world.home, candidate()));
  expect(told(await world.receiptOf(await world.propose()))).toBe('ALLOW ALLOW_POLICY');
  expect((await world.receipts()).some(({ statement }) => textOf(statement.predicate, 'bundleName') === 'next')).toBe(false);
});

it('a stop behind it acts at once: the candidate is refused unjudged, and the ledger says so', async () => {
  const [[behind]] = [await publish(activateBundle(world.home, candidate()).filter(({ lane }) => lane === LANE))];
  const stops = await publish(raiseFreeze(world.home, { level: 'stop', scope: { kind: 'all' }, why: 'incident', by: 'ana' }));
  expect(await answers(stops)).toEqual(lanes.map(() => 'freeze.raised'));
  expect(told(await world.receiptOf(await world.propose()))).toBe('DENY DENY_STOPPED');
  expect(behind && (await answers([behind]))).toEqual(['bundle-not-judged']);
});

it('so does the revocation of a token, on its own lane', async () => {
  await publish(activateBundle(world.home, { ...candidate(), name: 'another' }));
  const [issued] = (await world.receipts()).filter(({ kind }) => kind === 'token.issued');
  const token = textOf(issued?.statement.predicate ?? ({} as never), 'token');
  expect(await answers(await publish([revokeToken(world.home, issued?.record.tenant ?? '', token)]))).toEqual(['token.revoked']);
});

it('the same bundle sent again is in force as soon as it is judged', async () => {
  judged.resolve([]);
  const sent = await publish(activateBundle(world.home, candidate()));
  await until('it is in force', async () => (await answers(sent)).every((kind) => kind === 'bundle.activated'));
});

it('leaves a ledger that the checker finds valid', () => world.expectValid());
