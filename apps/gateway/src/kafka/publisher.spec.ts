import { describe, expect, it } from 'vitest';

import { type BaseOffset, BrokerUnavailable, type OutgoingRecord } from '#adapters';
import type { SignedEnvelope } from '#domain';

import { IN_FLIGHT_MAX, IN_FLIGHT_TENANT_MAX, Publisher } from './publisher.ts';

const envelope = (lane: number, bytes = 10, tenant = 'acme'): SignedEnvelope => ({
  payloadType: 't',
  payload: new Uint8Array(bytes),
  keyid: 'k',
  signature: new Uint8Array(64),
  tenant,
  lane,
});

/** Holds each send back until `release`. */
function writer() {
  const sends: (readonly OutgoingRecord[])[] = [];
  const next: Record<number, bigint> = {};
  const held: (() => void)[] = [];
  return {
    sends,
    release: () => held.shift()?.(),
    async send(records: readonly OutgoingRecord[]): Promise<BaseOffset[]> {
      sends.push(records);
      await new Promise<void>((resolve) => held.push(resolve));
      return [...new Set(records.map(({ partition }) => partition))].map((partition) => {
        const baseOffset = next[partition] ?? 0n;
        next[partition] = baseOffset + BigInt(records.filter((record) => record.partition === partition).length);
        return { topic: 'actions', partition, baseOffset, appendTimeMs: 0 };
      });
    },
    close: () => Promise.resolve(),
  };
}
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('publisher', () => {
  it('sends together what comes together, and tells each caller its own offset', async () => {
    const to = writer();
    const publisher = new Publisher(to, 'actions');
    const published = Promise.all([0, 1, 0, 1].map((lane) => publisher.publish(envelope(lane), undefined)));
    await settle();
    expect(to.sends.map((records) => records.length)).toEqual([4]);
    to.release();
    expect((await published).map(({ partition, offset }) => `${partition}:${offset}`)).toEqual(['0:0', '1:0', '0:1', '1:1']);
  });

  it('keeps a produce request under what a topic takes', async () => {
    const to = writer();
    const publisher = new Publisher(to, 'actions');
    const published = Promise.all(Array.from({ length: 9 }, () => publisher.publish(envelope(0, 120 * 1024), undefined)));
    for (let at = 0; at < 3; at++) {
      await settle();
      to.release();
    }
    await published;
    for (const records of to.sends)
      expect(records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)).toBeLessThan(1024 * 1024 - 4096);
    expect(to.sends.map((records) => records.length)).toEqual([4, 4, 1]);
  });

  it('refuses more than it can hold before it sends anything', async () => {
    const to = writer();
    const publisher = new Publisher(to, 'actions');
    const published = Array.from({ length: IN_FLIGHT_MAX }, (_, at) => publisher.publish(envelope(0, 10, `tenant-${at % 8}`), undefined));
    await expect(publisher.publish(envelope(0), undefined)).rejects.toMatchObject({ code: 'OVERLOADED' });
    await settle();
    to.release();
    await Promise.all(published);
    expect([to.sends.flat().length, publisher.inFlight]).toEqual([IN_FLIGHT_MAX, 0]);
  });

  it('refuses more of one tenant than its part, and takes those of another', async () => {
    const to = writer();
    const publisher = new Publisher(to, 'actions');
    const published = Array.from({ length: IN_FLIGHT_TENANT_MAX }, () => publisher.publish(envelope(0), undefined));
    await expect(publisher.publish(envelope(0), undefined)).rejects.toMatchObject({ code: 'RATE_LIMITED', extras: { retryAfterS: 1 } });
    published.push(publisher.publish(envelope(0, 10, 'globex'), undefined));
    for (let sends = 0; sends < 2; sends++) {
      await settle();
      to.release();
    }
    await Promise.all(published);
    expect(publisher.inFlight).toBe(0);
  });

  it('sends what waits tenant by tenant in turns', async () => {
    const to = writer();
    const publisher = new Publisher(to, 'actions');
    const first = publisher.publish(envelope(0), undefined);
    await settle();
    const waiting = ['acme', 'acme', 'acme', 'globex', 'initech', 'globex'].map((tenant) =>
      publisher.publish(envelope(0, 10, tenant), undefined),
    );
    to.release();
    await settle();
    to.release();
    await Promise.all([first, ...waiting]);
    expect(to.sends[1]?.map(({ key }) => String(key))).toEqual(['acme', 'globex', 'initech', 'acme', 'globex', 'acme']);
  });

  it('reports a failed send to each of its callers, and goes on', async () => {
    let fails = true;
    const to = writer();
    const send = to.send.bind(to);
    to.send = (records) => (fails ? Promise.reject(new BrokerUnavailable('away')) : send(records));
    const publisher = new Publisher(to, 'actions');
    const published = [publisher.publish(envelope(0), undefined), publisher.publish(envelope(1), undefined)];
    expect((await Promise.allSettled(published)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    fails = false;
    const later = publisher.publish(envelope(0), undefined);
    await settle();
    to.release();
    expect((await later).offset).toBe(0n);
  });
});
