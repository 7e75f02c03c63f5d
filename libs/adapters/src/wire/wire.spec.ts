import fc from 'fast-check';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import type { AvroRecord } from './avro-record.ts';
import { codecs, wire } from './codec.ts';
import { currentSchema, SCHEMA_NAMES, type SchemaName, schemasFolder, writtenSchemas } from './schemas.ts';
import { fingerprintOf } from './single-object.ts';
import { WireError } from './strict.ts';

const bytes = (length: number, from = 0) => Uint8Array.from({ length }, (_, at) => (from + at) % 256);
const origin = 'ledger.example/t/0123456789abcdef';

/** One value of each; the files in schemas/history hold its bytes. */
const VALUES = {
  signedEnvelope: {
    payloadType: 'application/vnd.countersign.x+json;v=1',
    payload: bytes(9),
    keyid: 'k',
    signature: bytes(64),
    tenant: 'acme',
    lane: 1,
  },
  ledgerEntry: {
    entry: bytes(300),
    inputForm: 'sealed' as const,
    input: bytes(40),
    tenant: 'acme',
    leafIndex: 7,
    kind: 'action.decided',
    actionId: 'a-1',
    lane: 1,
    laneSeq: 2 ** 40,
    batchFirstSeq: 2 ** 40 - 1,
    batchCount: 2,
    treeSize: 8,
    root: bytes(32),
    batchSeal: bytes(64, 9),
  },
  placedEntry: {
    ...{ entry: bytes(300), inputForm: 'sealed' as const, input: bytes(40), tenant: 'acme', leafIndex: 7, kind: 'action.decided' },
    ...{ actionId: 'a-1', lane: 1, laneSeq: 2 ** 40, batchFirstSeq: 2 ** 40 - 1, batchCount: 2, treeSize: 8, root: bytes(32) },
    ...{ sourceEpoch: 1, sourceOffset: 2 ** 41, sender: '', batchSeal: bytes(64, 9) },
  },
  inputKey: { origin, leafIndex: 7, key: bytes(32) },
  receipt: { tenant: 'acme', origin, leafIndex: 7, treeSize: 8, actionId: '', kind: 'genesis', proof: bytes(70) },
  verdict: {
    tenant: 'acme',
    origin,
    leafIndex: 7,
    actionId: 'a-1',
    kind: 'action.decided',
    verdict: 'DENY',
    reasons: ['DENY_CONTRACT', 'ü😀'],
    receipt: bytes(70),
    proposal: null,
  },
  treeHead: {
    tenant: 'acme',
    origin,
    size: 8,
    checkpoint: bytes(90),
    rangeHashes: [bytes(32), bytes(32, 1)],
    previous: bytes(32, 2),
    lane: 0,
    successor: 'ledger.example/t/bb',
  },
  notaryPosition: { lane: 0, nextSeq: 3, ledgerOffset: 5, inputKeysOffset: 6, signature: bytes(64), sealer: bytes(32) },
  deadLetter: { origin, leafIndex: 3, topic: 'actions', partition: 1, offset: 12, code: 'REFUSED_ENVELOPE', bytes: bytes(5) },
  snapshotManifest: {
    lane: 1,
    laneSeq: 9,
    ledgerOffset: 12,
    inputKeysOffset: 4,
    recordHash: bytes(32),
    chunks: 2,
    sha256: bytes(32, 3),
    stateVersion: 1,
    slot: 0,
    signature: bytes(64),
  },
  snapshotChunk: { lane: 1, slot: 0, chunk: 1, bytes: bytes(50) },
  laneClock: { lane: 1, wallMs: Date.UTC(2026, 10, 30), decidedAtMs: Date.UTC(2026, 10, 29) },
};

const cases = SCHEMA_NAMES.map((name) => {
  const key = (name.charAt(0).toLowerCase() + name.slice(1)) as keyof typeof VALUES;
  const codec: AvroRecord<object> = codecs[key];
  const value: object = VALUES[key];
  return { name, codec, value };
});

const FINGERPRINTS: Record<SchemaName, bigint> = {
  SignedEnvelope: -8344675244630876924n,
  LedgerEntry: -7619943685108914007n,
  PlacedEntry: -8257199232809587992n,
  InputKey: 6394942713356795625n,
  Receipt: 9106184526276515629n,
  Verdict: 4638478604544435107n,
  TreeHead: 1702720014900609124n,
  NotaryPosition: 1969263475603787599n,
  DeadLetter: 6425061475534316713n,
  SnapshotManifest: 394809255050126525n,
  SnapshotChunk: -1588496586230125532n,
  LaneClock: -2026254585222400882n,
};

describe('fingerprints', () => {
  // Computed by the Avro specification's own algorithm, as published with its Java implementation.
  it.each([
    ['null', 7195948357588979594n],
    ['int', 8247732601305521295n],
    ['long', -3434872931120570953n],
    ['string', -8142146995180207161n],
  ])('agree with the known one of %s', (schema, fingerprint) => {
    expect(fingerprintOf(schema)).toBe(fingerprint);
  });

  it.each(cases)('of $name never changes without notice', ({ name, codec }) => {
    expect(codec.fingerprint).toBe(FINGERPRINTS[name]);
    expect(fingerprintOf(currentSchema(name))).toBe(FINGERPRINTS[name]);
  });

  it('do not see docs, but see names and order', () => {
    const field = (name: string) => ({ name, type: 'int' });
    const record = (fields: { name: string; type: string }[]) => ({ type: 'record' as const, name: 'R', fields });
    expect(fingerprintOf({ ...record([field('a'), field('b')]), doc: 'x' } as never)).toBe(fingerprintOf(record([field('a'), field('b')])));
    expect(fingerprintOf(record([field('b'), field('a')]))).not.toBe(fingerprintOf(record([field('a'), field('b')])));
  });
});

describe('every record', () => {
  it.each(cases)('$name comes back as it went', ({ codec, value }) => {
    expect(codec.valid(value)).toBe(true);
    expect(codec.decode(codec.encode(value))).toStrictEqual(value);
  });

  it.each(cases)('$name starts with C3 01 and its fingerprint, little-endian', ({ codec, value }) => {
    const encoded = codec.encode(value);
    expect(encoded.subarray(0, 2).toString('hex')).toBe('c301');
    expect(encoded.readBigInt64LE(2)).toBe(codec.fingerprint);
  });

  it.each(cases)('$name with an undeclared or a missing member is not valid', ({ codec, value }) => {
    expect(codec.valid({ ...value, extra: 1 })).toBe(false);
    const [first = ''] = Object.keys(value);
    expect(codec.valid({ ...value, [first]: undefined })).toBe(false);
    expect(() => codec.encode({ ...value, [first]: undefined })).toThrow(WireError);
  });

  it.each(cases)('$name cut short, lengthened or in another spelling is refused', ({ codec, value }) => {
    const encoded = codec.encode(value);
    for (let end = 0; end < encoded.length; end++) expect(() => codec.decode(encoded.subarray(0, end))).toThrow(WireError);
    expect(() => codec.decode(Buffer.concat([encoded, Buffer.of(0)]))).toThrow(WireError);
  });

  it.each(cases)('$name of any bytes is decoded to the one value that encodes to them, or refused', ({ codec, value }) => {
    const encoded = codec.encode(value);
    const mutation = fc.record({
      at: fc.nat(encoded.length - 1),
      bit: fc.nat(7),
      cut: fc.nat(encoded.length),
      insert: fc.uint8Array({ maxLength: 12 }),
    });
    const check = (hostile: Buffer) => {
      let decoded: object;
      try {
        decoded = codec.decode(hostile);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
        return;
      }
      expect(codec.encode(decoded).equals(hostile)).toBe(true);
    };
    fc.assert(
      fc.property(mutation, ({ at, bit, cut, insert }) => {
        const flipped = Buffer.from(encoded);
        flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << bit), at);
        check(flipped);
        check(Buffer.concat([encoded.subarray(0, cut), insert, encoded.subarray(cut)]));
        check(Buffer.concat([encoded.subarray(0, 10), insert]));
      }),
      { numRuns: 300 },
    );
  });
});

describe('every reader reads every older writer', () => {
  it.each(cases)('$name: the current schema is kept in schemas/history', ({ name, codec }) => {
    expect(writtenSchemas(name).map(fingerprintOf)).toContain(codec.fingerprint);
  });

  it.each(cases)('$name: the kept bytes of each writer decode', ({ name, codec, value }) => {
    for (const schema of writtenSchemas(name)) {
      const fingerprint = BigInt.asUintN(64, fingerprintOf(schema)).toString(16).padStart(16, '0');
      const kept = join(schemasFolder(), 'history', name, `${fingerprint}.hex`);
      expect(existsSync(kept), `${kept} should hold ${codec.encode(value).toString('hex')}`).toBe(true);
      const decoded = codec.decode(Buffer.from(readFileSync(kept, 'utf8').trim(), 'hex'));
      if (fingerprintOf(schema) === codec.fingerprint) expect(decoded).toStrictEqual(value);
      else expect(codec.valid(decoded)).toBe(true);
    }
  });
});

describe('decoded bytes', () => {
  const memoryOf = (value: unknown): ArrayBufferLike[] =>
    value instanceof Uint8Array ? [value.buffer] : Array.isArray(value) ? value.flatMap(memoryOf) : [];
  const soonDoneWith: readonly SchemaName[] = ['SignedEnvelope', 'LedgerEntry', 'PlacedEntry', 'Verdict'];

  it.each(cases)('of $name are views of what was decoded only where they are soon done with', ({ name, codec, value }) => {
    const within = Uint8Array.from([...bytes(5), ...codec.encode(value), ...bytes(5)]);
    const decoded = codec.decode(within.subarray(5, -5));
    expect(decoded).toStrictEqual(value);
    const memory = Object.values(decoded).flatMap(memoryOf);
    const views = memory.filter((each) => each === within.buffer);
    expect(views.length).toBe(soonDoneWith.includes(name) ? memory.length : 0);
  });
});

describe('a ledger record', () => {
  const { sourceEpoch, sourceOffset, sender, ...rest } = VALUES.placedEntry;

  it('has its place when it was made from an input record, and comes back as it went', () => {
    const placed = { ...rest, place: { epoch: sourceEpoch, offset: sourceOffset, sender } };
    const bytes = wire.encodeRecord(placed);
    expect(codecs.placedEntry.decode(bytes)).toStrictEqual(VALUES.placedEntry);
    expect(wire.decodeRecord(bytes)).toStrictEqual(placed);
  });

  it('without a place is what it always was, byte for byte', () => {
    const bytes = wire.encodeRecord(VALUES.ledgerEntry);
    expect(codecs.ledgerEntry.encode(VALUES.ledgerEntry).equals(bytes)).toBe(true);
    expect(wire.decodeRecord(bytes)).toStrictEqual(VALUES.ledgerEntry);
  });
});

describe('decodeEnvelope', () => {
  const envelope = VALUES.signedEnvelope;
  const encoded = codecs.signedEnvelope.encode(envelope);

  it('gives the envelope', () => {
    expect(wire.decodeEnvelope(encoded)).toStrictEqual(envelope);
  });

  it('is undefined for any other bytes, and never throws', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (hostile) => wire.decodeEnvelope(hostile) === undefined));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (body) => {
        const hostile = Buffer.concat([encoded.subarray(0, 10), body]);
        const decoded = wire.decodeEnvelope(hostile);
        return decoded === undefined || codecs.signedEnvelope.encode(decoded).equals(hostile);
      }),
    );
  });

  it('refuses another kind of record', () => {
    expect(wire.decodeEnvelope(codecs.inputKey.encode(VALUES.inputKey))).toBeUndefined();
  });

  it('refuses a string that is not UTF-8', () => {
    const at = encoded.indexOf('acme');
    const hostile = Buffer.from(encoded);
    hostile[at] = 0xff;
    expect(wire.decodeEnvelope(hostile)).toBeUndefined();
  });

  it('keeps NUL and 4-byte characters', () => {
    const odd = { ...envelope, keyid: '\0😀' };
    expect(wire.decodeEnvelope(codecs.signedEnvelope.encode(odd))).toStrictEqual(odd);
  });

  it('refuses a number in a longer spelling', () => {
    const hostile = Buffer.concat([encoded.subarray(0, -1), Buffer.of(0x82, 0x00)]); // lane 1 is 02
    expect(wire.decodeEnvelope(hostile)).toBeUndefined();
  });

  it('refuses to write a lone surrogate', () => {
    expect(() => codecs.signedEnvelope.encode({ ...envelope, tenant: '\ud800' })).toThrow(WireError);
  });
});

describe('claimed lengths', () => {
  const header = codecs.verdict.encode(VALUES.verdict).subarray(0, 10);
  const long = (value: bigint) => {
    const out: number[] = [];
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
    for (; rest > 0x7fn; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80);
    return Buffer.from([...out, Number(rest)]);
  };

  it.each([1n, 2n ** 31n, 2n ** 52n + 1n, -(2n ** 52n) - 1n, 2n ** 53n, 2n ** 54n + 1n, 2n ** 62n, -1n, -(2n ** 31n), -(2n ** 63n)])(
    'of %s bytes or items are refused without allocating',
    (claimed) => {
      const empties = Buffer.from([0, 0, 0, 0, 0, 0]); // tenant, origin, leafIndex, actionId, kind, verdict
      expect(() => codecs.verdict.decode(Buffer.concat([header, long(claimed)]))).toThrow(WireError);
      expect(() => codecs.verdict.decode(Buffer.concat([header, empties, long(claimed)]))).toThrow(WireError);
    },
  );

  it('from ±2^52 are refused where a number stands', () => {
    const header = codecs.inputKey.encode(VALUES.inputKey).subarray(0, 10);
    const leafIndex = (value: bigint) => Buffer.concat([header, Buffer.of(0), long(value), Buffer.of(0)]);
    expect(codecs.inputKey.decode(leafIndex(2n ** 52n - 1n)).leafIndex).toBe(2 ** 52 - 1);
    for (const value of [2n ** 52n, -(2n ** 52n), 2n ** 52n + 1n, -(2n ** 52n) - 1n, 2n ** 53n + 1n, 2n ** 62n]) {
      expect(() => codecs.inputKey.decode(leafIndex(value))).toThrow(expect.objectContaining({ code: 'NUMBER' }));
    }
  });

  it('below ±2^52 are numbers', () => {
    for (const offset of [0, 1, -1, 2 ** 31, -(2 ** 31) - 1, 2 ** 52 - 1, -(2 ** 52) + 1]) {
      const value = { ...VALUES.deadLetter, offset };
      expect(codecs.deadLetter.decode(codecs.deadLetter.encode(value))).toStrictEqual(value);
    }
    expect(() => codecs.deadLetter.encode({ ...VALUES.deadLetter, offset: 2 ** 52 })).toThrow(WireError);
    expect(() => codecs.deadLetter.encode({ ...VALUES.deadLetter, partition: 2 ** 31 })).toThrow(WireError);
  });
});
