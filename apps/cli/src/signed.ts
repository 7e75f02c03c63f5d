/** A party's own record: signed with its key, published, and the verified receipt of what became of it. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { type CheckedReceipt, codecs, LaneReceipts, PlainWriter, receiptOfSent } from '#adapters';
import { ASKED_WITHIN_MS, fromBase64, type InputTopic, laneOf, PAYLOAD_KINDS, type PayloadKind, sealEnvelope, utf8 } from '#domain';

import type { Context } from './context.ts';
import { CliError, explain } from './errors.ts';

/** Unit bytes, of an Ed25519 private key. */
const SEED_BYTES = 32;

export interface SignedRecord {
  readonly kind: PayloadKind;
  readonly tenant: string;
  readonly issuer: string;
  readonly id: string;
  readonly expiresInMs: number;
  /** Of a proposal: when it was first asked for, POSIX milliseconds. */
  readonly askedAtMs?: number;
  /** The kind's own members. */
  readonly body: object;
  readonly seed: Uint8Array;
}
export interface Sent {
  readonly place: { readonly tenant: string; readonly id: string; topic: InputTopic; partition: number; offset: string };
  /** Those of its lane so far. */
  readonly receipts: LaneReceipts;
  /** undefined: none has come within `waitMs`. */
  readonly receipt: (waitMs: number) => Promise<CheckedReceipt | undefined>;
}

/** Resolves with what `use` makes of it. */
export async function withSigned<T>(context: Context, record: SignedRecord, use: (sent: Sent) => Promise<T>): Promise<T> {
  const { home, brokers } = context;
  const { kind, tenant, issuer, id, expiresInMs, askedAtMs, body, seed } = record;
  const lane = laneOf(tenant, home.config.lanes);
  const { topic } = PAYLOAD_KINDS[kind];
  const now = Date.now();
  const lastMs = askedAtMs === undefined ? Infinity : askedAtMs + ASKED_WITHIN_MS;
  const times = { issuedAtMs: Math.max(now, askedAtMs ?? 0), askedAtMs, expiresAtMs: Math.min(now + expiresInMs, lastMs) };
  const head = { ...home.bound(), ...{ tenant, issuer, id }, ...times, blind: randomBytes(32) };
  const value = codecs.signedEnvelope.encode(sealEnvelope({ kind, body, head, seed, lane }));
  const receipts = await LaneReceipts.open(home, brokers, lane);
  const writer = PlainWriter.open({ brokers, clientId: 'countersign-cli' });
  try {
    const sinceReceipt = await receipts.end();
    const [sent] = await writer.send([{ topic: home.topic(topic), partition: lane, key: Buffer.from(utf8(tenant)), value }]);
    const place = { tenant, id, topic, partition: lane, offset: (sent?.baseOffset ?? -1n).toString() };
    const record = { topic, partition: lane, offset: sent?.baseOffset ?? -1n, value, sinceReceipt };
    return await use({ place, receipts, receipt: (waitMs) => receiptOfSent(receipts, record, waitMs) });
  } finally {
    await Promise.allSettled([receipts.close(), writer.close()]);
  }
}

/** A file with an Ed25519 seed in base64, as those of keys/. */
export function seedFrom(option: string, file: string): Uint8Array {
  let seed: Uint8Array;
  try {
    seed = fromBase64(readFileSync(file, 'utf8').trim());
  } catch (error) {
    throw new CliError(`${option} ${file}: expected a file with ${SEED_BYTES} bytes in base64 (${explain(error)})`);
  }
  if (seed.length !== SEED_BYTES) throw new CliError(`${option} ${file}: expected ${SEED_BYTES} bytes in base64, got ${seed.length}`);
  return seed;
}

export function seconds(option: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0 && text.trim() !== '') return value;
  throw new CliError(`${option}: expected seconds, got ${text}`);
}
