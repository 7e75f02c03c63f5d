import { describe, expect, it } from 'vitest';

import { codecs } from '#adapters';
import { ed25519Sign, sha256Hex } from '#crypto';
import { LANE_START_MS, MemoryLane } from '#testing';

import { utf8 } from '../formats/bytes.ts';
import { pae } from '../formats/dsse.ts';
import type { Entry } from '../ledger/entry.ts';
import type { SignedEnvelope } from '../ledger/record.ts';
import { payloadTypeOf, type PayloadKind } from '../payloads/kinds.ts';
import { bytesMac } from '../payloads/digests.ts';

const lane = MemoryLane.ready(['acme', 'globex', 'constructor'], { lanes: 1 });
const { parties } = lane;

const refusal = ([entry]: readonly Entry[]) => [entry?.tenant, entry?.statement.predicate['code'], entry?.statement.predicate['detail']];
const system = (code: string, detail: string) => ['_system.0', code, detail];
const note = (id: string) => parties.envelope({ kind: 'action.proposed', id, body: { class: 'note' } }, LANE_START_MS);
const encoded = (envelope: SignedEnvelope) => codecs.signedEnvelope.encode(envelope);

/** Signed for good by acme's platform, whatever the bytes are. */
function signedPayload(
  text: string | Uint8Array,
  kind: PayloadKind = 'action.proposed',
  outside: Partial<SignedEnvelope> = {},
): Uint8Array {
  const payload = typeof text === 'string' ? utf8(text) : text;
  const { keyid } = parties.publicKeyOf('platform of acme');
  const payloadType = payloadTypeOf(kind);
  const signature = ed25519Sign(parties.seedOf('platform of acme'), pae(payloadType, payload));
  return encoded({ payloadType, payload, keyid, signature, tenant: 'acme', lane: 0, ...outside });
}

const cases: [string, string, string, () => Uint8Array | null][] = [
  ['a tombstone', 'REFUSED_ENCODING', 'empty', () => null],
  ['an empty value', 'REFUSED_ENCODING', 'empty', () => new Uint8Array()],
  ['bytes that are not Avro', 'REFUSED_ENCODING', 'not-an-envelope', () => utf8('hello')],
  ['an envelope with a byte after it', 'REFUSED_ENCODING', 'not-an-envelope', () => new Uint8Array([...encoded(note('x')), 0])],
  ['an unknown payload type', 'REFUSED_ENCODING', 'payload-type', () => encoded({ ...note('x'), payloadType: 'application/json' })],
  ['a control on the wrong topic', 'REFUSED_ENCODING', 'payload-type', () => lane.sign({ kind: 'bundle.activated' })],
  ['a payload type named like a prototype', 'REFUSED_ENCODING', 'payload-type', () => signedPayload('{}', 'constructor' as PayloadKind)],
  ['a payload of more than 128 KiB', 'REFUSED_SIZE', 'payload-bytes', () => signedPayload(`"${'x'.repeat(128 * 1024)}"`)],
  ['nesting of 10,000 levels', 'REFUSED_SIZE', 'nesting', () => signedPayload('['.repeat(10_000) + ']'.repeat(10_000))],
  ['unbalanced nesting', 'REFUSED_ENCODING', 'not-canonical', () => signedPayload('['.repeat(60_000))],
  ['duplicate keys', 'REFUSED_ENCODING', 'not-canonical', () => signedPayload('{"a":1,"a":2}')],
  ['white space', 'REFUSED_ENCODING', 'not-canonical', () => signedPayload('{"a": 1}')],
  ['a lone surrogate', 'REFUSED_ENCODING', 'not-canonical', () => signedPayload('{"a":"\\ud800"}')],
  ['an integer beyond 2^53', 'REFUSED_ENCODING', 'number-inexact', () => signedPayload('{"a":9007199254740993}')],
  ['a number that would be read as 0', 'REFUSED_ENCODING', 'number-inexact', () => signedPayload('{"a":1e-400}')],
  ['a number beyond a double', 'REFUSED_ENCODING', 'number-inexact', () => signedPayload('{"a":1e400}')],
  ['bytes that are not UTF-8', 'REFUSED_ENCODING', 'not-canonical', () => signedPayload(Uint8Array.of(0x22, 0xff, 0x22))],
  ['an array', 'REFUSED_ENCODING', 'not-an-object', () => signedPayload('[]')],
  ['null', 'REFUSED_ENCODING', 'not-an-object', () => signedPayload('null')],
  ['a tenant outside that differs', 'REFUSED_ENCODING', 'tenant-differs', () => encoded({ ...note('x'), tenant: 'globex' })],
  ['a keyid outside that differs', 'REFUSED_ENCODING', 'keyid-differs', () => encoded({ ...note('x'), keyid: 'ab'.repeat(16) })],
  ['another ledger', 'REFUSED_ISSUER', 'another-ledger', () => lane.proposal('x', {}, { ledger: 'other.example' })],
  ['another birth of a ledger of this name', 'REFUSED_ISSUER', 'another-ledger', () => lane.proposal('x', {}, { birth: 'ab'.repeat(32) })],
  ['another lane', 'REFUSED_LANE', 'lane', () => lane.proposal('x', {}, { lane: 1 })],
  ['a ledger-wide tenant on a proposal', 'REFUSED_ISSUER', 'tenant-of-kind', () => lane.proposal('x', {}, { tenant: '_system' })],
  ["the system's own tree as tenant", 'REFUSED_ISSUER', 'unknown-tenant', () => lane.proposal('x', {}, { tenant: '_system.0' })],
  ['an unknown tenant', 'REFUSED_ISSUER', 'unknown-tenant', () => lane.proposal('x', {}, { tenant: 'nobody' })],
  ['a tenant named __proto__', 'REFUSED_ISSUER', 'unknown-tenant', () => lane.proposal('x', {}, { tenant: '__proto__' })],
  ['an unknown issuer', 'REFUSED_ISSUER', 'key-not-admitted', () => lane.proposal('x', {}, { issuer: 'nobody' })],
  ['an issuer named __proto__', 'REFUSED_ISSUER', 'key-not-admitted', () => lane.proposal('x', {}, { issuer: '__proto__' })],
  ['an issuer named constructor', 'REFUSED_ISSUER', 'key-not-admitted', () => lane.proposal('x', {}, { issuer: 'constructor' })],
  ["another tenant's issuer", 'REFUSED_ISSUER', 'key-not-admitted', () => lane.proposal('x', {}, { signer: 'platform of globex' })],
  ["the admin's key for a proposal", 'REFUSED_ISSUER', 'key-not-admitted', () => lane.proposal('x', {}, { issuer: 'admin' })],
  ["the admin's key under the platform's name", 'REFUSED_ISSUER', 'key-not-admitted', () => lane.proposal('x', {}, { signer: 'admin' })],
  ['no signature', 'REFUSED_SIGNATURE', 'signature', () => encoded({ ...note('x'), signature: new Uint8Array() })],
  ['a signature over another payload', 'REFUSED_SIGNATURE', 'signature', () => encoded({ ...note('x'), payload: note('x').payload })],
];

describe('an envelope that nobody stands behind', () => {
  it.each(cases)('%s is %s (%s), in the system tree, its bytes among the dead letters', (_, code, detail, value) => {
    const bytes = value();
    const entries = lane.when('actions', bytes);
    expect(refusal(entries)).toEqual(system(code, detail));
    const [entry] = entries;
    const predicate = entry?.statement.predicate;
    const name = `${predicate?.origin ?? ''}\0${predicate?.index ?? ''}`;
    expect(lane.deadLetters.get(name)).toEqual(bytes ?? new Uint8Array());
    expect(predicate?.['bytesMac']).toBe(bytesMac(lane.inputKeys.get(name) ?? new Uint8Array(), bytes ?? new Uint8Array()));
    expect(predicate?.['length']).toBe(bytes?.length ?? 0);
  });

  it('of a control by anyone but the admin is REFUSED_ISSUER', () => {
    for (const more of [{ issuer: 'gateway' }, { issuer: 'platform', signer: 'platform of acme' }, { signer: 'gateway' }]) {
      expect(refusal(lane.control('issuer.revoked', 'acme', { revokes: 'platform' }, more))).toEqual(
        system('REFUSED_ISSUER', 'key-not-admitted'),
      );
    }
  });

  it('of a CI party for a proposal is REFUSED_ISSUER: its key signs evidence only', () => {
    lane.registerIssuer('acme', 'builds', 'ci');
    expect(refusal(lane.propose('x', {}, { issuer: 'builds' }))).toEqual(system('REFUSED_ISSUER', 'key-not-admitted'));
  });

  it('for a tenant of another lane is REFUSED_LANE', () => {
    const two = MemoryLane.ready([], { lanes: 2 });
    const elsewhere = ['a', 'b', 'c', 'd'].map((tenant) => refusal(two.propose('x', {}, { tenant }))[2]);
    expect(new Set(elsewhere)).toEqual(new Set(['tenant-of-another-lane', 'unknown-tenant']));
  });

  it('on outcomes is refused, whatever it is: no kind of payload is for that topic yet', () => {
    expect(refusal(lane.when('outcomes', lane.proposal('x')))).toEqual(system('REFUSED_ENCODING', 'payload-type'));
  });

  it('is refused at once after its issuer was revoked, and never comes back by a copied registration', () => {
    const again = MemoryLane.ready(['acme']);
    const registration = again.sign({ kind: 'issuer.registered', tenant: 'acme', id: 'r-1', body: issuerBody(again, 'bots') });
    again.when('controls', registration);
    expect(again.propose('b-1', {}, { issuer: 'bots' })[0]?.kind).toBe('action.decided');
    again.control('issuer.revoked', 'acme', { revokes: 'bots' });
    expect(refusal(again.propose('b-2', {}, { issuer: 'bots' }))).toEqual(system('REFUSED_ISSUER', 'key-not-admitted'));
    expect(refusal(again.when('controls', registration))).toEqual(['acme', 'REFUSED_BODY', 'repeated']);
    again.nowMs += 25 * 3_600_000;
    expect(refusal(again.when('controls', registration))).toEqual(['acme', 'REFUSED_BODY', 'expired']);
    const anew = again.control('issuer.registered', 'acme', issuerBody(again, 'bots'));
    expect(refusal(anew)).toEqual(['acme', 'REFUSED_BODY', 'exists']);
  });

  it('is decided when a tenant is called constructor', () => {
    expect(lane.propose('c-1', {}, { tenant: 'constructor' })[0]?.statement.predicate.verdict).toBe('ALLOW');
  });

  it('never repeats what it held', () => {
    const [entry] = lane.when('actions', utf8('secret words'));
    expect(Buffer.from(entry?.bytes ?? []).toString()).not.toContain('secret');
    expect(Buffer.from(entry?.bytes ?? []).toString()).not.toContain(sha256Hex(utf8('secret words')));
  });
});

const issuerBody = (of: MemoryLane, issuer: string) => ({
  registers: issuer,
  type: 'platform',
  keys: [of.parties.publicKeyOf(`${issuer} of acme`)],
});
