import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { scenarios } from '../../apps/all/src/tour/scenarios.ts';
import { partiesOf } from '../../apps/all/src/tour/propose.ts';
import { countersign } from '../cli/run.ts';
import { TENANT, told, World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open(inject('brokers'), 'vote');
});
afterAll(() => world.close());

/** A production deploy by `incident-responder`, acting for ana. */
async function asked(): Promise<string> {
  const [production] = scenarios(partiesOf(world.home, Date.now()));
  if (production?.kind !== 'proposal') throw new Error('the tour begins with a production deploy');
  const place = await world.propose(production.body);
  const receipt = await world.receiptOf(place);
  expect(told(receipt)).toBe('ESCALATE ESCALATE_APPROVAL_REQUIRED');
  return receipt.statement.subject[0].name;
}

async function vote(...args: string[]): Promise<{ code: number | null; json: unknown; stderr: string }> {
  const place = ['--tenant', TENANT, '--data', world.home.folder, '--brokers', world.brokers.join(','), '--json'];
  const { code, stdout, stderr } = await countersign(['vote', ...args, ...place], world.home.folder);
  return { code, json: stdout === '' ? undefined : (JSON.parse(stdout) as unknown), stderr };
}

describe('countersign vote', () => {
  it('lists what waits for people, takes no answer from whoever asked, and one yes is enough where the rule says one', async () => {
    const action = await asked();
    expect((await vote()).json).toMatchObject({ open: [{ action, approvals: [] }] });
    for (const by of ['incident-responder', 'ana', 'ANA']) {
      const { code, stderr } = await vote('--action', action, '--by', by);
      expect([code, stderr]).toEqual([1, expect.stringContaining('own-action')]);
    }
    const { code, json } = await vote('--action', action, '--by', 'ben');
    expect([code, json]).toMatchObject([0, { approvals: ['ben'], outcome: { word: 'ALLOW_APPROVED' } }]);
    expect((await vote()).json).toMatchObject({ open: [] });
    const again = await vote('--action', action, '--by', 'eva');
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('ended as ALLOW_APPROVED')]);
  });

  it('ends it by one no', async () => {
    const action = await asked();
    const { code, json } = await vote('--action', action, '--by', 'ben', '--deny');
    expect([code, json]).toMatchObject([0, { outcome: { word: 'DENY_HUMAN' } }]);
  });

  it('answers the decision at an index without reading the ledger first, and no other action’s', async () => {
    const [first, second] = [await asked(), await asked()];
    const open = (await vote()).json as { open: { action: string; index: number }[] };
    const index = String(open.open.find(({ action }) => action === second)?.index);
    const wrong = await vote('--action', first, '--index', index, '--by', 'ben');
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('no decision that asks people about action')]);
    const { code, json, stderr } = await vote('--action', second, '--index', index, '--by', 'ben');
    expect([code, json, stderr]).toMatchObject([0, { action: second, approvals: ['ben'], outcome: { word: 'ALLOW_APPROVED' } }, '']);
    const again = await vote('--action', second, '--index', index, '--by', 'eva');
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('not-open')]);
    expect((await vote()).json).toMatchObject({ open: [{ action: first }] });
    expect((await vote('--action', first, '--by', 'ben')).code).toBe(0);
  });

  it('says what is missing', async () => {
    expect(await vote('--action', 'nobody-asked', '--by', 'ben')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('never asked') as string,
    });
    expect((await vote('--action', 'nobody-asked')).code).toBe(2);
  });
});

it('leaves a ledger that the checker finds valid', () => world.expectValid());
