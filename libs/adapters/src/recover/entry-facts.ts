import { entryName, type InputFacts, type LaneState, replayFacts, type SealedEntry, type WireCodec } from '#domain';

import { InputError, openInput } from '../home/input-crypto.ts';

/** What an entry of the ledger says through its input; `keys` by `<origin>\0<index>`. Without its key, or with another, it counts as erased. */
export function entryFacts(
  { record, kind, statement }: SealedEntry,
  keys: ReadonlyMap<string, Uint8Array>,
  wire: WireCodec,
  state: LaneState,
): InputFacts {
  if (record.inputForm === 'plain') return replayFacts(kind, record.input, wire, state);
  if (record.inputForm === 'none' || kind !== 'action.decided') return {};
  const { origin, index } = statement.predicate;
  const key = keys.get(entryName(origin, index));
  try {
    return key ? replayFacts(kind, openInput(record.input, key), wire, state) : {};
  } catch (error) {
    if (error instanceof InputError) return {}; // another key than it was sealed with: as if erased, so a repetition is a conflict
    throw error;
  }
}
