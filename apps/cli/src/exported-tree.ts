/** A tenant's whole log, out of its receipts: each verified already, so what is rebuilt here was signed. */
import type { CheckedReceipt } from '#adapters';
import { equalBytes, leafHash, parseCheckpoint, parseNote, parseProof, rootOf, utf8 } from '#domain';

import type { Context } from './context.ts';
import { CliError, COULD_NOT_TELL, INVALID } from './errors.ts';
import { laneOfTree, receiptsOf } from './tree.ts';

/** `checkpoint` is the newest signed note, of exactly these entries. */
export interface ExportedTree {
  readonly origin: string;
  readonly checkpoint: string;
  readonly root: Uint8Array;
  readonly entries: readonly Uint8Array[];
  readonly leafHashes: readonly Uint8Array[];
}

/** Reads the lane's receipts from the first on and holds the tenant's entries in memory: 16 KiB each at most, about 1 KiB usually. */
export async function readTree(context: Context, tenant: string): Promise<ExportedTree> {
  const { home } = context;
  const receipts = await receiptsOf(home, context.brokers, laneOfTree(home, tenant));
  await receipts.close();
  return treeOf(receipts.all, tenant);
}

/** Throws CliError unless the receipts are those of every entry, and the entries those of the newest checkpoint. */
export function treeOf(receipts: readonly CheckedReceipt[], tenant: string): ExportedTree {
  const every = receipts.filter(({ record }) => record.tenant === tenant).map(({ record }) => parseProof(record.proof));
  const newest = every.at(-1);
  if (!newest) throw new CliError(`no receipt of ${tenant}: countersign tenant add ${tenant} registers a tenant`, INVALID);
  const { origin, size, root } = parseCheckpoint(parseNote(utf8(newest.checkpoint)).text);
  // A log that was closed has its own tree: the one that goes on is meant.
  const own = every.filter(({ checkpoint }) => checkpoint.startsWith(`${origin}\n`));
  const entries = own.map(({ index, entry }, at) => {
    if (index !== BigInt(at) || !entry) throw new CliError(`receipt ${at} of ${tenant} is missing: countersign doctor says more`, INVALID);
    return entry;
  });
  const leafHashes = entries.map(leafHash);
  if (size !== BigInt(entries.length) || !equalBytes(rootOf(leafHashes), root)) {
    throw new CliError(`the ${entries.length} entries of ${tenant} are not those of its checkpoint of size ${size}`, INVALID);
  }
  return { origin, checkpoint: newest.checkpoint, root, entries, leafHashes };
}

/** A tree size given on the command line: 1 to `most`, which the log has. */
export function sizeOf(option: string, text: string, most: number): number {
  const isSize = /^[1-9]\d*$/.test(text);
  if (isSize && BigInt(text) <= BigInt(most)) return Number(text);
  const expected = `${option}: expected a tree size from 1 to ${most}, which is what the log has`;
  throw new CliError(`${expected}, got ${text}`, isSize ? INVALID : COULD_NOT_TELL);
}
