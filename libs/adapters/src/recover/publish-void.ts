import { type LedgerBirth, type RestoredRange, sealRestored, sealVoid, type SignedEnvelope, type VoidRange } from '#domain';

import type { PlainWriter } from '../kafka/plain-writer.ts';
import { codecs } from '../wire/codec.ts';
import { restoredKey, voidKey } from './ledger-batches.ts';

/** Publishes signed voids on `checkpoints`, where every reader of the ledger looks when a record does not fit. Kept for ever, one by key. */
export async function publishVoids(
  writer: PlainWriter,
  topic: string,
  voids: readonly VoidRange[],
  { birth, seed }: { readonly birth: LedgerBirth; readonly seed: Uint8Array },
): Promise<void> {
  for (const range of voids) await publish(writer, topic, { lane: range.lane, key: voidKey(range), said: sealVoid(range, birth, seed) });
}

/** Publishes there, signed, which entries are about to be written again: the checker asks for it. */
export async function publishRestored(
  writer: PlainWriter,
  topic: string,
  range: RestoredRange,
  { birth, seed }: { readonly birth: LedgerBirth; readonly seed: Uint8Array },
): Promise<void> {
  await publish(writer, topic, { lane: range.lane, key: restoredKey(range), said: sealRestored(range, birth, seed) });
}

async function publish(
  writer: PlainWriter,
  topic: string,
  { lane, key, said }: { readonly lane: number; readonly key: string; readonly said: SignedEnvelope },
): Promise<void> {
  const value = codecs.signedEnvelope.encode(said);
  await writer.send([{ topic, partition: lane, key: Buffer.from(key), value: Buffer.from(value) }]);
}
