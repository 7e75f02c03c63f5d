/** Name of an entry among all logs of a ledger: key of `input-keys`, and of whatever is kept by entry. `index` is a leaf index. */
export const entryName = (origin: string, index: number | bigint | string): string => `${origin}\0${index}`;
