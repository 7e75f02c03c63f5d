/**
 * What a validation may cost, in steps of some ten nanoseconds, as a bound that grows in a straight line with the bytes of the value:
 * `base + perByte × bytes`. A few such lines for one schema, each of them a true bound: the lowest counts.
 */
export interface Line {
  readonly base: number;
  readonly perByte: number;
}
export type Cost = readonly Line[];

export const cost = (base: number, perByte = 0): Cost => [{ base, perByte }];
export const NOTHING = cost(0);

/** Sizes of values at which lines are compared, up to the largest payload. */
const SIZES = [16, 256, 4096, 131_072];

export const stepsFor = (of: Cost, bytes: number): number => Math.min(...of.map(({ base, perByte }) => base + perByte * bytes));

/** Both, on the same value. */
export const sum = (...costs: readonly Cost[]): Cost => costs.reduce((all, one) => joined(all, one, (a, b) => a + b), NOTHING);

/** Each on a part of its own of the value: what is given to one is not given to the others. */
export const shared = (...costs: readonly Cost[]): Cost => costs.reduce((all, one) => joined(all, one, Math.max), NOTHING);

/**
 * On each of up to `countMax` parts of the value, which have at least `bytesMin` bytes each; the first that does not fit may have fewer, and ends
 * it.
 */
export function each(of: Cost, { bytesMin, countMax }: { readonly bytesMin: number; readonly countMax: number }): Cost {
  const lines = of.flatMap(({ base, perByte }) => {
    const byBytes = { base, perByte: perByte + base / bytesMin };
    return countMax === Infinity ? [byBytes] : [byBytes, { base: base * countMax, perByte }];
  });
  return lowest(lines);
}

function joined(a: Cost, b: Cost, perByte: (a: number, b: number) => number): Cost {
  return lowest(a.flatMap((one) => b.map((other) => ({ base: one.base + other.base, perByte: perByte(one.perByte, other.perByte) }))));
}

/** One line for each size at most. */
function lowest(lines: readonly Line[]): Cost {
  const at = (bytes: number): Line =>
    lines.reduce((best, line) => (line.base + line.perByte * bytes < best.base + best.perByte * bytes ? line : best));
  return [...new Set(SIZES.map(at))];
}
