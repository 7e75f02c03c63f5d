import { type LedgerBirth, sealVoid, type VoidRange } from '#domain';

import type { PlainWriter } from '../kafka/plain-writer.ts';
import { codecs } from '../wire/codec.ts';
import { voidKey } from './ledger-batches.ts';

/** Publishes signed voids on `checkpoints`, where every reader of the ledger looks when a record does not fit. Kept for ever, one by key. */
export async function publishVoids(
  writer: PlainWriter,
  topic: string,
  voids: readonly VoidRange[],
  { birth, seed }: { readonly birth: LedgerBirth; readonly seed: Uint8Array },
): Promise<void> {
  for (const range of voids) {
    const value = codecs.signedEnvelope.encode(sealVoid(range, birth, seed));
    await writer.send([{ topic, partition: range.lane, key: Buffer.from(voidKey(range)), value: Buffer.from(value) }]);
  }
}
