/** Receipts that people hold of a lane, when `receipts` has lost them: each proves its entry by itself. */
import { entryName, parseCheckpoint, parseNote, parseProof, parseStatement, parseVkey, ReceiptError, utf8, verifyReceipt } from '#domain';

import { RecoverError } from './foreign.ts';

export interface HeldReceipt {
  /** For people: the file's name. */
  readonly name: string;
  readonly proof: Uint8Array;
}
/** Exact bytes of attested entries, by `<origin>\0<index>`. */
export type HeldEntries = ReadonlyMap<string, Uint8Array>;

/**
 * The entry of each receipt. A log's key is what ledger.json says of the lane's own log, and what an entry says of every other: one that `receipts`
 * still holds (`known`), or one of these. Throws RecoverError RECEIPT for a receipt that does not verify, or of a log that none of them names.
 */
export function heldEntries(
  receipts: readonly HeldReceipt[],
  { systemVkey, known }: { readonly systemVkey: string; readonly known: readonly Uint8Array[] },
): HeldEntries {
  const vkeys = new Map<string, string>();
  const learn = (vkey: unknown): void => {
    if (typeof vkey === 'string') vkeys.set(parseVkey(vkey).name, vkey);
  };
  learn(systemVkey);
  for (const entry of known) learn(parseStatement(entry).statement.predicate['vkey']);
  const held = new Map<string, Uint8Array>();
  let waiting = receipts.map((receipt) => ({ ...receipt, origin: originOf(receipt) }));
  while (waiting.length > 0) {
    const ready = waiting.filter(({ origin }) => vkeys.has(origin));
    const [unknown] = waiting;
    if (ready.length === 0)
      throw new RecoverError('RECEIPT', `${unknown?.name ?? ''}: nothing here names the key of ${unknown?.origin ?? ''}`);
    for (const { name, proof, origin } of ready) {
      const { entry, index } = verified(name, () => verifyReceipt(proof, { origin, vkey: vkeys.get(origin) ?? '' }));
      held.set(entryName(origin, index), entry);
      learn(parseStatement(entry).statement.predicate['vkey']);
    }
    waiting = waiting.filter((each) => !ready.includes(each));
  }
  return held;
}

/** As the receipt says; what it is worth is told by its signature. */
const originOf = ({ name, proof }: HeldReceipt): string =>
  verified(name, () => parseCheckpoint(parseNote(utf8(parseProof(proof).checkpoint)).text).origin);

function verified<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const why = error instanceof ReceiptError ? `${error.code}: ${error.message}` : String(error);
    throw new RecoverError('RECEIPT', `${name}: ${why}`);
  }
}
