const DECIMAL = /^(?:0|[1-9][0-9]{0,19})$/;
export const U64_MAX = 2n ** 64n - 1n;

/** An unsigned 64-bit decimal without sign, space or leading zero; undefined for anything else. */
export function parseU64(text: string): bigint | undefined {
  const value = DECIMAL.test(text) ? BigInt(text) : undefined;
  return value !== undefined && value <= U64_MAX ? value : undefined;
}
