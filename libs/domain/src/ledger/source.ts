/** The place of an input record: whole beside E, and as a MAC in it. */
import { hmacSha256 } from '#crypto';

import { concat, hex, u32be, u64be, utf8 } from '../formats/bytes.ts';
import type { Rules, SaidSource, Source } from './entry.ts';
import type { RecordPlace } from './record.ts';

type RecordSource = Extract<Source, { kind: 'record' }>;
const CONTEXT = utf8('countersign/place/v1\0');

/**
 * Stands for a place in E: HMAC(input key, context ‖ topic ‖ 0 ‖ u32 epoch ‖ u32 partition ‖ u64 offset). Who has only E learns nothing of
 * the offset, as the key is never a tenant's; who has the ledger and the input key sees that the place beside E is the one that was attested.
 */
export function placeMac(
  inputKey: Uint8Array,
  { topic, epoch, partition, offset }: Omit<RecordSource, 'kind' | 'part' | 'parts' | 'mac'>,
): string {
  return hex(hmacSha256(inputKey, concat(CONTEXT, utf8(`${topic}\0`), u32be(epoch), u32be(partition), u64be(BigInt(offset)))));
}

/** What E says of a source. */
export function saidOf(source: Source, rules: Rules): SaidSource {
  if (source.kind === 'tick') return source;
  const { mac, ...place } = source;
  if (rules === 1) return place;
  if (mac === undefined) throw new Error('from rules 2 on a source has the mac of its place');
  const { kind, topic, part, parts } = place;
  return { kind, mac, part, parts, topic };
}

/** The whole source again, from E and the record beside it. undefined: the two do not fit. */
export function wholeSource(said: SaidSource, place: RecordPlace | undefined, lane: number): Source | undefined {
  if (said.kind === 'tick' || !('mac' in said)) return place === undefined ? said : undefined;
  return place && { ...said, epoch: place.epoch, partition: lane, offset: String(place.offset) };
}

/** What the ledger record says of it. */
export function placeOf(source: Source, rules: Rules, sender = ''): RecordPlace | undefined {
  if (source.kind === 'tick' || rules === 1) return undefined;
  return { epoch: source.epoch, offset: Number(source.offset), sender };
}

export const samePlace = (a: Source, b: Source): boolean =>
  a.kind === 'record' &&
  b.kind === 'record' &&
  a.topic === b.topic &&
  a.epoch === b.epoch &&
  a.partition === b.partition &&
  a.offset === b.offset &&
  a.mac === b.mac;
