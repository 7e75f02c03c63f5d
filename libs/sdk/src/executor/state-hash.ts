import { sha256Hex } from '#crypto';
import { canonicalBytes, type Json } from '#domain';

/** Runs one SQL statement: `(text, values) => pool.query(text, values)` of whatever driver there is. */
export type QueryRows = (text: string, values: readonly unknown[]) => Promise<{ readonly rows: readonly object[] }>;

/** Hex SHA-256 of the canonical JSON (RFC 8785) of a state. Throws for what JSON cannot carry, such as undefined, NaN or a Date. */
export function stateHash(state: Json): string {
  return sha256Hex(canonicalBytes(state));
}

/**
 * Hash of the rows that a SELECT gives, in whatever order: stateHash of the sorted list of each row as PostgreSQL writes it as jsonb, so no
 * driver rounds a bigint, a numeric or a microsecond. `timestamptz` is written in the session's TimeZone: keep that fixed (UTC), or equal
 * rows hash differently. No row at all has a hash too, that of `[]`.
 */
export async function rowsHash(query: QueryRows, select: string, values: readonly unknown[] = []): Promise<string> {
  const { rows } = await query(`select to_jsonb(countersign_row)::text as countersign_row from (${select}) as countersign_row`, values);
  return stateHash(rows.map(textOf).sort());
}

function textOf(row: object): string {
  const text = (row as { readonly countersign_row?: unknown }).countersign_row;
  if (typeof text !== 'string') throw new TypeError('rowsHash: expected a row with one text, countersign_row');
  return text;
}
