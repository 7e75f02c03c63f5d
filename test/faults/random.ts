/** Seeded randomness: SEED=… replays the same choices. What the machine does between them is its own. */
const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 32));

/** Numbers in [0, 1) by mulberry32, which is enough to choose moments and contents. Prints the seed that replays them. */
export function seededRandom(name: string): () => number {
  process.stderr.write(`${name}: SEED=${SEED} replays its choices\n`);
  let state = SEED >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** An integer from `from` to `to`, both included. */
export const between = (random: () => number, from: number, to: number): number => from + Math.floor(random() * (to - from + 1));
