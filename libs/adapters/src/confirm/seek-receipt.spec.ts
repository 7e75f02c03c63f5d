import fc from 'fast-check';
import { expect, it } from 'vitest';

import { readerOf, recordsOf } from '#testing';

import type { LogReader } from '../kafka/reader.ts';
import { codecs } from '../wire/codec.ts';
import { seekReceipt } from './seek-receipt.ts';

/** Two receipts an answer at most, and how many answers were given. */
function topicOf(tenants: readonly string[], closedAt = -1): { reader: LogReader; answers: () => number } {
  const next = new Map<string, number>();
  const values = tenants.map((tenant, at) => {
    if (at === closedAt) next.clear();
    const leafIndex = next.get(tenant) ?? 0;
    next.set(tenant, leafIndex + 1);
    const origin = `ledger.example/t/${tenant}${at >= closedAt && closedAt >= 0 ? '-next' : ''}`;
    return codecs.receipt.encode({ tenant, origin, leafIndex, treeSize: leafIndex + 1, actionId: '', kind: '', proof: new Uint8Array() });
  });
  const inner = readerOf({ receipts: recordsOf('receipts', values) });
  let count = 0;
  const fetch: LogReader['fetch'] = async (positions, options) => {
    count += 1;
    const fetched = await inner.fetch(positions, options);
    return fetched.map((answer) => {
      const records = answer.records.slice(0, 2);
      return { ...answer, records, nextOffset: (records.at(-1)?.offset ?? answer.nextOffset - 1n) + 1n };
    });
  };
  return { reader: { ...inner, fetch }, answers: () => count };
}
const place = (tenant: string) => ({ topic: 'receipts', partition: 0, tenant });

it('finds every receipt of the log that goes on, whoever else is on the lane, and none that is not there', async () => {
  const tenants = fc.array(fc.constantFrom('acme', 'acme', 'globex'), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(tenants, fc.integer({ min: -1, max: 40 }), async (all, closedAt) => {
      const { reader } = topicOf(all, closedAt);
      const closed = closedAt >= 0 && all.slice(closedAt).includes('acme');
      const own = all.flatMap((tenant, at) => (tenant === 'acme' && (!closed || at >= closedAt) ? [BigInt(at)] : []));
      const found = await Promise.all(own.map((_, index) => seekReceipt(reader, place('acme'), index)));
      expect(found.map((each) => each?.kafka.offset)).toEqual(own);
      expect(await seekReceipt(reader, place('acme'), own.length)).toBeUndefined();
    }),
  );
});

it('reads in the logarithm of the topic', async () => {
  const { reader, answers } = topicOf(Array.from({ length: 20_000 }, (_, at) => (at % 3 === 0 ? 'globex' : 'acme')));
  expect((await seekReceipt(reader, place('acme'), 5))?.kafka.offset).toBe(8n);
  expect(answers()).toBeLessThan(64 / 2 + 2 * Math.log2(20_000) + 8);
});
