import { expect, it } from 'vitest';

import { codecs, wire } from '#adapters';
import { pae } from '#domain';
import { MemoryLane } from '#testing';

import { SignaturesAhead } from './signatures-ahead.ts';

const lane = MemoryLane.ready();
const record = (offset: bigint, value: Uint8Array) => ({ offset, value: Buffer.from(value) });
const { state } = lane;
const key = state.tenants.get('acme')?.issuers.get('platform')?.keys.values().next().value ?? new Uint8Array();
const partsOf = (value: Uint8Array) => {
  const { payloadType, payload, signature } = codecs.signedEnvelope.decode(Buffer.from(value));
  return [key, pae(payloadType, payload), signature] as const;
};

it('answers as the check itself, asked ahead or not', async () => {
  const ahead = new SignaturesAhead(wire);
  const [good, other] = [lane.proposal('a'), lane.proposal('b')];
  const forged = codecs.signedEnvelope.decode(Buffer.from(lane.proposal('c')));
  forged.signature[10] = (forged.signature[10] ?? 0) ^ 1;
  const bad = codecs.signedEnvelope.encode(forged);
  [good, bad].forEach((value, at) => {
    ahead.ask(state, record(BigInt(at), value));
  });
  await ahead.known(0n, 10);
  expect(ahead.verify(...partsOf(good))).toBe(true);
  expect(ahead.verify(...partsOf(bad))).toBe(false);
  expect(ahead.verify(...partsOf(other))).toBe(true);
});

it('an answer counts for its own key and message only', async () => {
  const ahead = new SignaturesAhead(wire);
  const good = lane.proposal('d');
  ahead.ask(state, record(0n, good));
  await ahead.known(0n, 10);
  const [, message, signature] = partsOf(good);
  expect(ahead.verify(state.admin.publicKey, message, signature)).toBe(false);
  expect(ahead.verify(key, Buffer.concat([message, Buffer.from(' ')]), signature)).toBe(false);
  expect(ahead.verify(key, message, signature)).toBe(true);
});

it('forgets what was decided, and asks for no more than it may remember', async () => {
  const ahead = new SignaturesAhead(wire, 3);
  for (let at = 0n; at < 5n; at++) ahead.ask(state, record(at, lane.proposal(`e${at}`)));
  expect(ahead.waiting).toBe(3);
  await ahead.known(2n, 10);
  expect(ahead.waiting).toBe(1);
  const last = lane.proposal('last');
  ahead.ask(state, record(5n, last));
  await ahead.known(5n, 10);
  expect(ahead.waiting).toBe(1);
  expect(ahead.verify(...partsOf(last))).toBe(true);
});

it('keeps what it decoded until the record is decided', async () => {
  let decoded = 0;
  const counting = { decodeEnvelope: (value: Uint8Array) => ((decoded += 1), wire.decodeEnvelope(value)) };
  const ahead = new SignaturesAhead(counting);
  const first = record(0n, lane.proposal('f'));
  const copy = record(1n, first.value);
  ahead.ask(state, first);
  const envelope = ahead.decodeEnvelope(first.value);
  expect(envelope).toEqual(wire.decodeEnvelope(copy.value));
  expect(ahead.decodeEnvelope(first.value)).toBe(envelope);
  expect(decoded).toBe(1);
  ahead.ask(state, copy); // the same signature in another record
  expect(ahead.decodeEnvelope(copy.value)).toEqual(envelope);
  expect(decoded).toBe(2);
  await ahead.known(2n, 10);
  expect(ahead.decodeEnvelope(copy.value)).toEqual(envelope);
  expect(decoded).toBe(3);
});
