/** What a broker answers: one that is broken, or not one at all, must not end a service by an error that looks like a defect of ours. */
import { gzipSync } from 'node:zlib';

import { KafkaFault } from '#adapters';

import { decodeAssignment, decodeHeld, encodeAssignment, encodeMember } from '../../libs/adapters/src/kafka/assignment.ts';
import { crc32c } from '../../libs/adapters/src/kafka/crc32c.ts';
import { decodeFetchAnswer } from '../../libs/adapters/src/kafka/fetch-request.ts';
import { decodeRecordSet } from '../../libs/adapters/src/kafka/records.ts';
import { fuzz, type Target } from './fuzz.ts';

const FROM = 5n;
const LANES = 3;

/** One record: length, attributes, time stamp delta, offset delta, key, value, one header; all lengths zigzag. */
function record(offsetDelta: number, value: string): Buffer {
  const parts = [[0, 0, offsetDelta * 2, 2, 0x6b, value.length * 2], [...Buffer.from(value)], [2, 2, 0x68, 1]];
  const body = Buffer.from(parts.flat());
  return Buffer.concat([Buffer.from([body.length * 2]), body]);
}

function batch(firstOffset: bigint, records: readonly Buffer[], { gzip = false, flags = 0 } = {}): Buffer {
  const payload = gzip ? gzipSync(Buffer.concat(records)) : Buffer.concat(records);
  const bytes = Buffer.alloc(61);
  bytes.writeBigInt64BE(firstOffset, 0);
  bytes.writeInt32BE(61 - 12 + payload.length, 8);
  bytes.writeInt8(2, 16);
  bytes.writeInt16BE((gzip ? 1 : 0) | flags, 21);
  bytes.writeInt32BE(records.length - 1, 23);
  bytes.writeBigInt64BE(1_700_000_000_000n, 27);
  bytes.writeBigInt64BE(1_700_000_000_005n, 35);
  bytes.writeBigInt64BE(9n, 43);
  bytes.writeInt32BE(records.length, 57);
  return summed(Buffer.concat([bytes, payload]));
}

/** Each whole batch of a set with the checksum of its bytes as they are now. */
function summed(set: Buffer): Buffer {
  for (let at = 0; at + 61 <= set.length;) {
    const end = at + 12 + set.readInt32BE(at + 8);
    if (end < at + 61 || end > set.length) break;
    set.writeUInt32BE(crc32c(set.subarray(at + 21, end)), at + 17);
    at = end;
  }
  return set;
}

const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
/** version 0, type: 0 abort, 1 commit. */
const marker = (offset: bigint, type: number): Buffer => {
  const body = Buffer.from([0, 0, 0, 8, 0, 0, 0, type, 12, 0, 0, 0, 0, 0, 0, 0]);
  return batch(offset, [Buffer.concat([Buffer.from([body.length * 2]), body])], { flags: TRANSACTIONAL | CONTROL });
};

const sets = [
  batch(5n, [record(0, 'a'), record(1, 'bc')]),
  Buffer.concat([batch(5n, [record(0, 'a')]), batch(6n, [record(0, 'zipped'), record(1, '')], { gzip: true })]),
  Buffer.concat([batch(5n, [record(0, 'x'.repeat(40))], { flags: TRANSACTIONAL }), marker(6n, 0), batch(7n, [record(0, 'y')])]),
  Buffer.concat([batch(5n, [record(0, 'z')], { flags: TRANSACTIONAL }), marker(6n, 1)]),
];

/** Fetch, version 11, of two partitions of one topic. */
function answer(recordSet: Buffer): Buffer {
  const head = Buffer.alloc(14);
  head.writeInt32BE(1, 10); // topics
  const partition = (number: number): Buffer => {
    const bytes = Buffer.alloc(54);
    bytes.writeInt32BE(number, 0);
    bytes.writeBigInt64BE(9n, 6);
    bytes.writeInt32BE(1, 30); // aborted transactions
    bytes.writeBigInt64BE(9n, 34);
    bytes.writeInt32BE(recordSet.length, 54 - 4);
    return Buffer.concat([bytes.subarray(0, 50), Buffer.alloc(4, 0xff), bytes.subarray(50), recordSet]);
  };
  return Buffer.concat([head, Buffer.from([0, 7]), Buffer.from('actions'), Buffer.from([0, 0, 0, 2]), partition(0), partition(1)]);
}

function parseRecordSet(bytes: Buffer): undefined {
  const at = { topic: 'actions', partition: 0, from: FROM, aborted: [{ producerId: 9n, firstOffset: FROM }] };
  const { records, nextOffset, error } = decodeRecordSet(bytes, at);
  if (nextOffset < FROM) throw new TypeError(`goes back to ${nextOffset}`);
  const outside = records.find(({ offset }) => offset < FROM || offset >= nextOffset);
  if (outside) throw new TypeError(`offset ${outside.offset} is not before ${nextOffset}`);
  const disordered = records.find(({ offset }, place) => place > 0 && offset <= (records[place - 1]?.offset ?? -1n));
  if (disordered) throw new TypeError(`offset ${disordered.offset} is not after the one before`);
  if (error) throw error;
  return undefined;
}

const TARGETS: readonly Target[] = [
  {
    name: 'record set',
    valid: sets,
    parse: (bytes) => {
      parseRecordSet(Buffer.from(bytes));
    },
    errors: [KafkaFault],
  },
  {
    name: 'record set with right checksums',
    valid: sets,
    parse: (bytes) => {
      parseRecordSet(summed(Buffer.from(bytes)));
    },
    errors: [KafkaFault],
  },
  {
    name: 'answer to a fetch',
    valid: sets.map(answer),
    parse: (bytes) => {
      decodeFetchAnswer(Buffer.from(bytes));
      return undefined;
    },
    errors: [KafkaFault],
  },
  {
    name: 'what a member of the group says of itself',
    valid: [encodeMember('ledger', [0, 2], 1), encodeMember('ledger', [], 70)],
    parse: (bytes) => {
      const held = decodeHeld(Buffer.from(bytes));
      if (held?.some((lane) => !Number.isInteger(lane) || lane < 0) === true) throw new TypeError(`holds ${held.join(',')}`);
      return undefined;
    },
    errors: [],
  },
  {
    name: 'assignment of lanes',
    valid: [encodeAssignment('ledger', [0, 2]), encodeAssignment('ledger', [])],
    parse: (bytes) => {
      const lanes = decodeAssignment(Buffer.from(bytes), 'ledger', LANES);
      if (new Set(lanes).size < lanes.length || lanes.some((lane) => !Number.isInteger(lane) || lane < 0 || lane >= LANES))
        throw new TypeError(`assigns ${lanes.join(',')}`);
      return undefined;
    },
    errors: [],
  },
];

fuzz('what a broker answers', TARGETS);
