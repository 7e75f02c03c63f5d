import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { type CheckedReceipt, codecs, type KafkaRecord, wire } from '#adapters';
import { fromUtf8, INPUT_TOPICS, systemTree } from '#domain';

import { citationOf, LANE, type Place, TENANT, told, World } from '../support/world.ts';
import { controls, decided, type Hostile, refused } from './hostile.ts';

let world: World;
/** What `init` published on acme's lane. */
let births: KafkaRecord[];
const sent: { readonly hostile: Hostile; readonly place: Place; readonly value: Uint8Array | null }[] = [];

beforeAll(async () => {
  world = await World.open(inject('brokers'), 'hostile');
  births = await world.read('controls');
});
afterAll(() => world.close());

async function send(hostile: Hostile): Promise<Place> {
  const value = hostile.value(world);
  const { topic = 'actions', lane = LANE, key } = hostile;
  const place = await world.send(value, { topic, lane, ...(key === undefined ? {} : { key }) });
  sent.push({ hostile, place, value });
  return place;
}

/** Whom the bytes name, if they are an envelope at all. */
const namedBy = (value: Uint8Array | null): string | undefined => (value ? wire.decodeEnvelope(value)?.tenant : undefined);

/** What names acme is answered to acme's own credential, on whichever lane it was sent: with the receipt itself. */
async function expectServed(place: Place, receipt: CheckedReceipt): Promise<void> {
  const of = sent.find((each) => each.place === place);
  if (namedBy(of?.value ?? null) === TENANT) expect(await world.servedReceipt(place, receipt)).toBe(fromUtf8(receipt.record.proof));
}

describe.each([
  ['on actions and outcomes', refused],
  ['on controls, hand-made', controls],
])('bytes that no known party stands behind, %s', (_, cases) => {
  it.each(cases.map((hostile) => [hostile.name, hostile] as const))('refuses %s, in the tree of the lane', async (_name, hostile) => {
    const place = await send(hostile);
    const receipt = await world.receiptOf(place);
    expect([told(receipt), receipt.statement.predicate['detail']]).toEqual([hostile.expect, hostile.detail]);
    expect(receipt.record.tenant).toBe(systemTree(place.lane));
    await expectServed(place, receipt);
  });
});

describe('a good envelope', () => {
  it.each(decided.map((hostile) => [hostile.name, hostile] as const))(
    'with %s is decided in the tree of its tenant',
    async (_name, hostile) => {
      const place = await send(hostile);
      const receipt = await world.receiptOf(place);
      expect(told(receipt)).toBe(hostile.expect);
      expect(receipt.record.tenant).toBe('acme');
      await expectServed(place, receipt);
    },
  );

  it('sent again, byte for byte, is a repetition', async () => {
    const value = world.value();
    const first = await world.receiptOf(await world.send(value));
    const again = await world.receiptOf(await world.send(value));
    expect([told(first), told(again), again.statement.predicate['first']]).toEqual([
      'ALLOW ALLOW_POLICY',
      'action.repeated',
      first.statement.predicate.index,
    ]);
  });
});

describe('a control by the admin', () => {
  it('sent again, byte for byte, is refused and undoes nothing', async () => {
    for (const { value } of births.filter(({ key }) => key?.toString() === 'acme')) {
      const receipt = await world.receiptOf(await world.send(value, { topic: 'controls' }));
      expect([told(receipt), receipt.statement.predicate['detail'], receipt.record.tenant]).toEqual(['REFUSED_BODY', 'repeated', 'acme']);
    }
  });

  it('that gives birth to the ledger once more is refused', async () => {
    const [birth] = births;
    const receipt = await world.receiptOf(await world.send(birth?.value ?? null, { topic: 'controls', key: '_system' }));
    expect([told(receipt), receipt.record.tenant]).toEqual(['REFUSED_BODY', systemTree(LANE)]);
  });
});

describe('a record that the broker does not take', () => {
  it('of more than 1 MiB is a produce error, has no offset and no entry', async () => {
    const ends = async (): Promise<number> => (await world.read('actions')).length;
    const before = await ends();
    await expect(world.send(Buffer.alloc(1024 * 1024 + 1))).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE' });
    expect(await ends()).toBe(before);
  });

  it('is the only kind: 1 MiB less the framing has an offset, and so an entry', async () => {
    const receipt = await world.receiptOf(await world.send(Buffer.alloc(1024 * 1024 - 200)));
    expect([told(receipt), receipt.statement.predicate['length']]).toEqual(['REFUSED_ENCODING', 1024 * 1024 - 200]);
  });
});

describe('afterwards', () => {
  it('a good proposal is decided on each lane', async () => {
    expect(told(await world.receiptOf(await world.propose()))).toBe('ALLOW ALLOW_POLICY');
    const globex = { tenant: 'globex', issuer: 'platform-globex' };
    const seed = world.home.key('platform-globex');
    const value = codecs.signedEnvelope.encode({ ...world.envelope(undefined, globex, seed), lane: 1 - LANE });
    const receipt = await world.receiptOf(await world.send(value, { lane: 1 - LANE, key: 'globex' }));
    expect(told(receipt)).toBe('DENY DENY_TENANT_SCOPE');
  });

  it('each record of each input topic has exactly one group of entries, in the order of the offsets', async () => {
    for (const lane of [0, 1]) {
      const receipts = await world.receipts(lane);
      for (const topic of INPUT_TOPICS) {
        const first = receipts.filter(({ statement: { predicate } }) => predicate.source.part === 0).map(citationOf);
        const cited = first.filter((citation) => citation?.startsWith(`${topic}/`));
        const there = (await world.read(topic, lane)).map(({ offset }) => `${topic}/${lane}/${offset}`);
        expect(cited.toSorted()).toEqual(there.toSorted());
        expect(cited).toEqual(there);
      }
    }
  });

  it('a refusal is shown to the tenant that its bytes name, and to no other', async () => {
    const globex = world.home.token('globex');
    for (const { hostile, place, value } of sent) {
      if (!hostile.expect.startsWith('REFUSED_')) continue;
      const url = `/v1/receipts?topic=${place.topic}&partition=${place.lane}&offset=${place.offset}`;
      const shown = [(await world.get(url)).status, (await world.get(url, globex)).status];
      const named = namedBy(value);
      expect(shown, hostile.name).toEqual([named === TENANT ? 200 : 404, named === 'globex' ? 200 : 404]);
    }
  });

  it('dead-letters holds the raw bytes of each refusal in the lane’s tree, and nothing else', async () => {
    const letters = (await Promise.all([0, 1].map((lane) => world.read('dead-letters', lane)))).flat();
    const found = new Map(
      letters.map(({ value }) => {
        const { topic, partition, offset, code, bytes } = codecs.deadLetter.decode(value ?? Buffer.of());
        return [`${topic}/${partition}/${offset}`, `${code} ${Buffer.from(bytes).toString('base64')}`];
      }),
    );
    const refusals = sent.filter(({ hostile }) => hostile.expect.startsWith('REFUSED_'));
    for (const { hostile, place, value } of refusals) {
      expect(found.get(`${place.topic}/${place.lane}/${place.offset}`)).toBe(
        `${hostile.expect} ${Buffer.from(value ?? []).toString('base64')}`,
      );
    }
    expect(letters.length).toBe(refusals.length + 1); // the one of 1 MiB
  });

  it('decider, notary and gateway are ready, and no lane was ever taken over again', async () => {
    for (const name of ['decider', 'notary', 'gateway'] as const) expect(world.health(name)).toEqual([]);
    for (const name of ['decider', 'notary'] as const) {
      expect((await world.http(name, '/metrics')).text).not.toMatch(/lane_failures_total\{.*outcome/);
    }
  });

  it('the whole ledger is valid', () => world.expectValid());
});
