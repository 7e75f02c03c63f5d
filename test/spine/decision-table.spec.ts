/** The decision table on the real broker, as far as it needs no time of its own: signed proposals in, verified receipts out. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import {
  activateBundle,
  type CheckedReceipt,
  codecs,
  type ControlRecord,
  liftFreeze,
  publicKeyOf,
  raiseFreeze,
  recordApproval,
  registerIssuer,
  registerTenant,
  textOf,
} from '#adapters';
import { base64, type BundleDocument, keyIdOf, laneOf, parseBundle, type Proposal, sealEnvelope } from '#domain';

import { TEST_PARTIES } from '../../libs/domain/src/policy/own-test-evidence.ts';
import { groupsOf, readRows, roundsOf, type Row, type RowFreeze, TENANTS } from '../policy/decision-table.ts';
import { proposalsOf, ROW_ACTORS } from '../policy/row-proposals.ts';
import { unique } from '../support/kafka.ts';
import { LANES, type Place, standardBundle, told, World } from '../support/world.ts';

/** Open at every hour: this world has the time of the day on which it runs. */
const ALWAYS = { days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], fromMinute: 0, toMinute: 1440 };
const standard = standardBundle() as BundleDocument & { readonly windows: object };
const bundle = parseBundle({ ...standard, windows: Object.fromEntries(Object.keys(standard.windows).map((name) => [name, ALWAYS])) });
const rows = readRows().filter(({ window, freezes }) => window === 'any' && freezes.every(({ ended }) => ended !== 'over'));
const free = rows.filter(({ freezes }) => freezes.length === 0);
/** Unit ms, of evidence: what has expired when it is made has expired for a decider too, whose batch began a moment earlier. */
const AGE_MS = 5_000;

let world: World;
let seed: Uint8Array;
/** What the next round must find on the ledger. */
let due: ControlRecord[] = [];

beforeAll(async () => {
  world = await World.open(inject('brokers'), 'table');
  seed = world.home.createKey('platform');
  const parties = TENANTS.flatMap((tenant) =>
    TEST_PARTIES.map(({ issuer, type, publicKey }) => {
      const own = issuer === 'platform' ? [publicKeyOf(seed)] : [];
      const publicKeys = [...own, { keyid: keyIdOf(publicKey), publicKey: base64(publicKey) }];
      const says = issuer === 'platform' ? { actors: ROW_ACTORS } : {};
      return registerIssuer(world.home, { tenant, issuer, type, publicKeys, ...says });
    }),
  );
  due = [...activateBundle(world.home, bundle.document), registerTenant(world.home, 'stranger'), ...parties];
});
afterAll(() => world.close());

/** Sends them, and returns what their receipts say. A no of a person is due for whatever asked, so that there is room for more questions. */
async function decided(round: readonly Row[]): Promise<string[]> {
  await world.control(...due.splice(0));
  const places: { readonly line: number; readonly place: Place }[] = [];
  const { initialisedDigest: birth } = world.home.birth();
  for (const row of round) {
    for (const proposal of proposalsOf(row, bundle, Date.now() - AGE_MS, { birth }))
      places.push({ line: row.line, place: await sent(proposal) });
  }
  // Of each row its own, which is the last.
  const said = new Map<number, string>();
  for (const { line, place } of places) {
    const receipt = await world.receiptOf(place);
    said.set(line, `line ${line}: ${told(receipt)}`);
    if (told(receipt).startsWith('ESCALATE')) due.push(noTo(receipt));
  }
  return [...said.values()];
}

function sent({ tenant, id, issuer, birth: _, ...body }: Proposal): Promise<Place> {
  const lane = laneOf(tenant, LANES);
  const envelope = sealEnvelope({ kind: 'action.proposed', body, head: world.head({ tenant, id, issuer }), seed, lane });
  return world.send(codecs.signedEnvelope.encode(envelope), { lane, key: tenant });
}

function noTo({ record: { tenant }, statement: { predicate } }: CheckedReceipt): ControlRecord {
  const bindingDigest = textOf(predicate, 'bindingDigest');
  return recordApproval(world.home, { tenant, decision: Number(predicate.index), bindingDigest, vote: 'deny', by: 'ben' });
}

/** Raised before the next round, and lifted before it if they are to have ended. Returns what lifts the others. */
function raise(freezes: readonly RowFreeze[]): ControlRecord[] {
  const lifting: ControlRecord[] = [];
  for (const { level, scope, ended } of freezes) {
    const id = unique(level);
    const lift = liftFreeze(world.home, id, { by: 'ben', why: 'the row is over' });
    due.push(...raiseFreeze(world.home, { level, scope, id, by: 'ana', why: 'a row' }));
    (ended === 'lifted' ? due : lifting).push(...lift);
  }
  return lifting;
}

const expected = (some: readonly Row[]): string[] =>
  some.map(({ line, verdict, reason }) => `line ${line}: ${verdict} ${reason.replaceAll(',', ' ')}`);

describe('the decision table on a broker', { timeout: 120_000 }, () => {
  it('is decided row by row, and each receipt verifies', async () => {
    expect(free.length).toBeGreaterThan(300);
    for (const round of roundsOf(free)) expect(await decided(round)).toEqual(expected(round));
  });

  it('is denied where a freeze stands in the way, and nowhere else', async () => {
    const groups = groupsOf(rows.filter(({ freezes }) => freezes.length > 0));
    expect(groups.flat().length).toBeGreaterThan(50);
    for (const group of groups) {
      const lifting = raise(group[0]?.freezes ?? []);
      for (const round of roundsOf(group)) expect(await decided(round)).toEqual(expected(round));
      due.push(...lifting);
    }
  });

  it('leaves a ledger that the checker finds valid', () => world.expectValid());
});
