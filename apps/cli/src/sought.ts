/** Receipts by their place in a tenant's log, found by binary search: in a time that does not grow with the ledger, and verified like any other. */
import { type CheckedReceipt, type FoundReceipt, LogKeysFinder, placeOfReceipt, receiptsBetween, seekReceipt } from '#adapters';

import type { Context } from './context.ts';
import { CliError, INVALID } from './errors.ts';
import { laneOfTree } from './tree.ts';

export type Seeking = Pick<Context, 'home' | 'openReader' | 'progress'>;

/** Of the log that goes on. Throws CliError when there is none. */
export function soughtReceipt(context: Seeking, tenant: string, index: number): Promise<CheckedReceipt> {
  return withReceipts(context, tenant, (receipts) => receipts.at(index));
}

export interface TenantReceipts {
  /** Throws CliError when there is none. */
  at(index: number): Promise<CheckedReceipt>;
  /** Those of the tenant from this offset on that `isMeant` and that are there now, each verified. */
  since(offset: bigint, isMeant: (found: FoundReceipt) => boolean): Promise<CheckedReceipt[]>;
}

export async function withReceipts<T>(context: Seeking, tenant: string, use: (receipts: TenantReceipts) => Promise<T>): Promise<T> {
  const { home } = context;
  const lane = laneOfTree(home, tenant);
  const place = { topic: home.topic('receipts'), partition: lane, tenant };
  const reader = await context.openReader();
  const keys = new LogKeysFinder(home, reader, context.progress("looking for the key of the tenant's log in the lane's receipts"));
  const checked = async ({ record, kafka }: FoundReceipt): Promise<CheckedReceipt> => {
    const statement = await keys.prove(lane, record);
    if (statement?.predicate.index !== String(record.leafIndex))
      throw new CliError(`receipts/${lane} offset ${kafka.offset}: no log of the ledger signed this receipt of ${tenant}`, INVALID);
    return { record, kind: record.kind, statement, offset: kafka.offset, place: placeOfReceipt(kafka.headers['place'], statement) };
  };
  try {
    return await use({
      at: async (index) => {
        const found = await seekReceipt(reader, place, index);
        if (found) return checked(found);
        throw new CliError(`no receipt for index ${index} of ${tenant}: countersign log --tenant ${tenant} lists its entries`, INVALID);
      },
      since: async (offset, isMeant) => {
        const [end] = await reader.endOffsets([place]);
        const all: CheckedReceipt[] = [];
        for await (const found of receiptsBetween(reader, place, offset, end?.lastStable ?? offset)) {
          if (isMeant(found)) all.push(await checked(found));
        }
        return all;
      },
    });
  } finally {
    await reader.close();
  }
}

/** A leaf index as an option. Throws CliError. */
export function indexFrom(option: string, text: string): number {
  const index = /^(0|[1-9]\d{0,14})$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(index)) return index;
  throw new CliError(`${option}: expected an index, 0 or more, got ${text}`);
}
