import { randomBytes } from 'node:crypto';

import { codecs } from '#adapters';
import { ed25519Sign } from '#crypto';
import { fromUtf8, type InputTopic, pae, payloadTypeOf, sealEnvelope, type SignedEnvelope, utf8 } from '#domain';

import { LANE, recordWrite, type World } from '../support/world.ts';

/** One hostile record and what must come of it. */
export interface Hostile {
  readonly name: string;
  readonly topic?: InputTopic;
  readonly lane?: number;
  readonly key?: string | null;
  readonly value: (world: World) => Uint8Array | null;
  /** As `told` says it. */
  readonly expect: string;
  /** The refusal's closed word. */
  readonly detail?: string;
}

const OTHER_LANE = 1 - LANE;

/** Correctly signed, whatever the payload's bytes are: only the platform's key is needed for it. */
export function signedBytes(world: World, payload: Uint8Array, change: Partial<SignedEnvelope> = {}): Uint8Array {
  const { tenant, keyid, payloadType, lane } = { ...world.envelope(), ...change };
  const signature = ed25519Sign(world.home.key('platform-acme'), pae(payloadType, payload));
  return codecs.signedEnvelope.encode({ payloadType, payload, keyid, tenant, lane, signature });
}

const payloadText = (world: World, body: object = recordWrite): string => fromUtf8(world.envelope(body).payload);
const altered = (world: World, change: (text: string) => string, body?: object): Uint8Array =>
  signedBytes(world, utf8(change(payloadText(world, body))));
const envelopeWith = (world: World, change: Partial<SignedEnvelope>): Uint8Array =>
  codecs.signedEnvelope.encode({ ...world.envelope(), ...change });
const flipped = (bytes: Uint8Array, at: number): Uint8Array => bytes.with(at, (bytes[at] ?? 0) ^ 1);

function payloadWithRawBytes(world: World, raw: readonly number[]): Uint8Array {
  const [before = '', after = ''] = payloadText(world, { ...recordWrite, justification: 'RAW' }).split('RAW');
  return signedBytes(world, Uint8Array.of(...utf8(before), ...raw, ...utf8(after)));
}

const notEnvelopes: readonly (readonly [name: string, value: Hostile['value']])[] = [
  ['text', () => utf8('{"deploy":"now"}')],
  ['no bytes at all', () => new Uint8Array()],
  ['a tombstone', () => null],
  ['noise', () => randomBytes(1000)],
  ['a header and nothing behind it', (world) => world.value().subarray(0, 10)],
  ['an unknown schema fingerprint', (world) => flipped(world.value(), 5)],
  ['a truncated envelope', (world) => world.value().subarray(0, -1)],
  ['an envelope and one byte more', (world) => Buffer.concat([world.value(), Buffer.of(0)])],
];

const EMPTY: readonly string[] = ['no bytes at all', 'a tombstone'];

const notCanonical: readonly (readonly [name: string, value: Hostile['value']])[] = [
  ['a space', (world) => altered(world, (text) => text.replace('{', '{ '))],
  ['two members of one name', (world) => altered(world, (text) => text.replace('{', '{"actor":1,'))],
  ['an escaped lone surrogate', (world) => altered(world, (text) => text.replace('gold', '\\ud800'))],
  ['the bytes of a lone surrogate', (world) => payloadWithRawBytes(world, [0xed, 0xa0, 0x80])],
  ['bytes that are not UTF-8', (world) => payloadWithRawBytes(world, [0xff])],
  ['a raw NUL', (world) => payloadWithRawBytes(world, [0])],
  ['a number beyond a double', (world) => altered(world, (text) => text.replace('"gold"', '1e999'))],
  ['a needless escape', (world) => altered(world, (text) => text.replace('gold', '\\u0067old'))],
  ['half an object', (world) => altered(world, (text) => text.slice(0, -1))],
];

const nested = (world: World, depth: number): Uint8Array =>
  altered(world, (text) => text.replace('"gold"', `${'['.repeat(depth)}${']'.repeat(depth)}`));

/** On `actions`, unless said otherwise: refused without a word believed. */
export const refused: readonly Hostile[] = [
  ...notEnvelopes.map(([name, value]): Hostile => ({
    name,
    value,
    expect: 'REFUSED_ENCODING',
    detail: EMPTY.includes(name) ? 'empty' : 'not-an-envelope',
  })),
  ...notCanonical.map(([name, value]): Hostile => ({
    name: `a payload with ${name}`,
    value,
    expect: 'REFUSED_ENCODING',
    detail: name === 'a number beyond a double' ? 'number-inexact' : 'not-canonical',
  })),
  { name: 'an array', value: (world) => signedBytes(world, utf8('[]')), expect: 'REFUSED_ENCODING', detail: 'not-an-object' },
  {
    name: 'an unknown payload type',
    value: (world) => envelopeWith(world, { payloadType: 'text/plain' }),
    expect: 'REFUSED_ENCODING',
    detail: 'payload-type',
  },
  {
    name: 'a control among actions',
    value: (world) => envelopeWith(world, { payloadType: payloadTypeOf('issuer.revoked') }),
    expect: 'REFUSED_ENCODING',
    detail: 'payload-type',
  },
  {
    name: 'a proposal among outcomes',
    topic: 'outcomes',
    value: (world) => world.value(),
    expect: 'REFUSED_ENCODING',
    detail: 'payload-type',
  },
  { name: 'noise among outcomes', topic: 'outcomes', value: () => randomBytes(99), expect: 'REFUSED_ENCODING', detail: 'not-an-envelope' },
  {
    name: 'a tenant outside that differs from inside',
    value: (world) => envelopeWith(world, { tenant: 'globex' }),
    expect: 'REFUSED_ENCODING',
    detail: 'tenant-differs',
  },
  {
    name: 'a keyid outside that differs from inside',
    value: (world) => envelopeWith(world, { keyid: '0'.repeat(32) }),
    expect: 'REFUSED_ENCODING',
    detail: 'keyid-differs',
  },
  {
    name: 'no signature',
    value: (world) => envelopeWith(world, { signature: new Uint8Array() }),
    expect: 'REFUSED_SIGNATURE',
    detail: 'signature',
  },
  {
    name: 'a signature with one bit flipped',
    value: (world) => envelopeWith(world, { signature: flipped(world.envelope().signature, 10) }),
    expect: 'REFUSED_SIGNATURE',
    detail: 'signature',
  },
  {
    name: 'a payload under the signature of another',
    value: (world) => envelopeWith(world, { signature: world.envelope().signature }),
    expect: 'REFUSED_SIGNATURE',
    detail: 'signature',
  },
  {
    name: 'a payload of more than 128 KiB',
    value: (world) => altered(world, (text) => text.replace('gold', 'g'.repeat(128 * 1024))),
    expect: 'REFUSED_SIZE',
    detail: 'payload-bytes',
  },
  { name: 'nesting to depth 33', value: (world) => nested(world, 33), expect: 'REFUSED_SIZE', detail: 'nesting' },
  { name: 'nesting to depth 10,000', value: (world) => nested(world, 10_000), expect: 'REFUSED_SIZE', detail: 'nesting' },
  {
    name: 'an envelope of this lane on another',
    lane: OTHER_LANE,
    value: (world) => world.value(),
    expect: 'REFUSED_LANE',
    detail: 'lane',
  },
  {
    name: 'a tenant of this lane, said to be on another',
    lane: OTHER_LANE,
    value: (world) => envelopeWith(world, { lane: OTHER_LANE }),
    expect: 'REFUSED_LANE',
    detail: 'tenant-of-another-lane',
  },
  {
    name: 'the envelope of another lane on this',
    value: (world) => envelopeWith(world, { lane: OTHER_LANE }),
    expect: 'REFUSED_LANE',
    detail: 'lane',
  },
  {
    name: "another tenant's issuer",
    value: (world) => foreign(world, { issuer: 'platform-globex' }),
    expect: 'REFUSED_ISSUER',
    detail: 'key-not-admitted',
  },
  {
    name: "another tenant's key in our issuer's name",
    value: (world) => foreign(world, {}),
    expect: 'REFUSED_ISSUER',
    detail: 'key-not-admitted',
  },
  {
    name: "the CI system's key, which may not propose",
    value: (world) => foreign(world, { issuer: 'ci-acme' }, 'ci-acme'),
    expect: 'REFUSED_ISSUER',
    detail: 'key-not-admitted',
  },
  {
    name: 'the admin, who may not propose',
    value: (world) => foreign(world, { issuer: 'admin' }, 'admin'),
    expect: 'REFUSED_ISSUER',
    detail: 'key-not-admitted',
  },
  {
    name: 'another ledger',
    value: (world) => foreign(world, { ledger: 'other.test' }, 'platform-acme'),
    expect: 'REFUSED_ISSUER',
    detail: 'another-ledger',
  },
  {
    name: 'the system as tenant',
    value: (world) => foreign(world, { tenant: '_system' }, 'platform-acme'),
    expect: 'REFUSED_ISSUER',
    detail: 'tenant-of-kind',
  },
  {
    name: "the system's tree as tenant",
    value: (world) => foreign(world, { tenant: `_system.${LANE}` }, 'platform-acme'),
    expect: 'REFUSED_ISSUER',
    detail: 'unknown-tenant',
  },
];

function foreign(world: World, head: Parameters<World['head']>[0], key = 'platform-globex'): Uint8Array {
  return codecs.signedEnvelope.encode(world.envelope(recordWrite, head, world.home.key(key)));
}

/** By somebody who may write to `controls` and holds none of the keys that may decide there. */
const handMade: readonly Hostile[] = [
  { name: 'bytes', value: () => utf8('revoke everything'), expect: 'REFUSED_ENCODING', detail: 'not-an-envelope' },
  { name: 'a tombstone', value: () => null, expect: 'REFUSED_ENCODING', detail: 'empty' },
  {
    name: 'a control without signature',
    value: (world) => control(world, world.home.key('admin'), { signature: new Uint8Array() }),
    expect: 'REFUSED_SIGNATURE',
    detail: 'signature',
  },
  {
    name: "a stranger's control in the admin's name",
    value: (world) => control(world, randomBytes(32)),
    expect: 'REFUSED_ISSUER',
    detail: 'key-not-admitted',
  },
  {
    name: "a stranger's signature under the admin's keyid",
    value: (world) => strangersSignature(world),
    expect: 'REFUSED_SIGNATURE',
    detail: 'signature',
  },
  {
    name: "a control by a platform's key",
    value: (world) => control(world, world.home.key('platform-acme'), {}, 'platform-acme'),
    expect: 'REFUSED_ISSUER',
    detail: 'key-not-admitted',
  },
  {
    name: "a control by the gateway's key",
    value: (world) => control(world, world.home.key('gateway'), {}, 'gateway'),
    expect: 'REFUSED_ISSUER',
    detail: 'key-not-admitted',
  },
  { name: 'a proposal', value: (world) => world.value(), expect: 'REFUSED_ENCODING', detail: 'payload-type' },
];
export const controls = handMade.map((each): Hostile => ({ ...each, topic: 'controls' }));

function control(world: World, seed: Uint8Array, change: Partial<SignedEnvelope> = {}, issuer = 'admin'): Uint8Array {
  const head = world.head({ issuer });
  const body = { revokes: 'platform-acme' };
  return codecs.signedEnvelope.encode({ ...sealEnvelope({ kind: 'issuer.revoked', body, head, seed, lane: LANE }), ...change });
}

function strangersSignature(world: World): Uint8Array {
  const { payload, payloadType } = codecs.signedEnvelope.decode(control(world, world.home.key('admin')));
  return control(world, world.home.key('admin'), { signature: ed25519Sign(randomBytes(32), pae(payloadType, payload)) });
}

/** A good envelope: what the body is worth is decided in the tenant's own tree. */
export const decided: readonly Hostile[] = [
  ...(
    [
      ['an escaped NUL in a text', { justification: 'a\u0000b' }, 'ALLOW ALLOW_POLICY'],
      ['four-byte characters in a text', { justification: '🛰 ok' }, 'ALLOW ALLOW_POLICY'],
      [
        'four-byte characters among the parameters',
        { parameters: { ...recordWrite.parameters, fields: { note: '𝄞' } } },
        'ALLOW ALLOW_POLICY',
      ],
      [
        'a name of four-byte characters, which no contract has',
        { parameters: { ...recordWrite.parameters, fields: { '🛰': '𝄞' } } },
        'DENY DENY_CONTRACT',
      ],
      ['a NUL in an identifier', { class: 'record\u0000write' }, 'DENY DENY_MALFORMED'],
      ['a four-byte character in an identifier', { class: '🛰' }, 'DENY DENY_MALFORMED'],
      ['an unknown member', { approved: true }, 'DENY DENY_MALFORMED'],
      ['the wrong type', { parameters: 'all' }, 'DENY DENY_MALFORMED'],
      ['more evidence than is looked at', { evidence: Array.from({ length: 9 }, () => ({})) }, 'DENY DENY_MALFORMED'],
    ] as const
  ).map(([name, change, expect]): Hostile => ({ name, expect, value: (world) => world.value({ ...recordWrite, ...change }) })),
  {
    name: 'a member named __proto__',
    expect: 'DENY DENY_MALFORMED',
    value: (world) => altered(world, (text) => text.replace('{', '{"__proto__":{"class":"x"},')),
  },
  {
    name: 'an expired proposal',
    expect: 'DENY DENY_EXPIRED',
    value: (world) => world.value(recordWrite, { issuedAtMs: 0, expiresAtMs: 1000 }),
  },
  {
    name: 'a proposal that expires in 25 hours',
    expect: 'DENY DENY_MALFORMED',
    value: (world) => world.value(recordWrite, { expiresAtMs: Date.now() + 25 * 3_600_000 }),
  },
  {
    name: 'a payload of 127 KiB',
    expect: 'ALLOW ALLOW_POLICY',
    value: (world) => world.value({ ...recordWrite, impact: { note: 'g'.repeat(127 * 1024) } }),
  },
  { name: 'a null key', key: null, expect: 'ALLOW ALLOW_POLICY', value: (world) => world.value() },
  { name: "another tenant's key", key: 'globex', expect: 'ALLOW ALLOW_POLICY', value: (world) => world.value() },
  { name: 'the key of a transaction marker', key: '\0\0\0\0', expect: 'ALLOW ALLOW_POLICY', value: (world) => world.value() },
];
