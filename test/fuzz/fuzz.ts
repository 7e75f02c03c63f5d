/**
 * Every parser that takes bytes from outside, against bytes it was not made for: it returns what is spelt exactly like its input (where the
 * format has one spelling), or throws the error that it documents. Anything else is a defect of ours: a TypeError, a RangeError of the
 * stack or of an allocation, a value that is spelt otherwise, or a test that never ends.
 *
 *   npm run test:fuzz                        each parser for 60 s
 *   COUNTERSIGN_FUZZ_SECONDS=5 npm run test:fuzz -- -t receipt
 *   SEED=7 …                                 the same inputs again; a failure prints its seed and the smallest input that it found
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { hex } from '#domain';

import { mutated } from './mutate.ts';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any class of errors, whatever its constructor takes
type ErrorClass = new (...args: any[]) => Error;

export interface Target {
  readonly name: string;
  /** Each is accepted as it is; mutations start here. */
  readonly valid: readonly Uint8Array[];
  /** Material for mutations that is not accepted itself. */
  readonly hostile?: readonly Uint8Array[];
  /** What was read, spelt again; undefined where the format has several spellings. Throws one of `errors`. */
  readonly parse: (bytes: Uint8Array) => Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** What it documents to throw; empty for a parser that documents never to throw. */
  readonly errors: readonly ErrorClass[];
}

/** Runs of each parser in `npm test`: under a second, and the corpora are small enough that every kind of change is tried often. */
const RUNS = 400;
/** Unit s; 0: RUNS runs. */
const SECONDS = Number(process.env['COUNTERSIGN_FUZZ_SECONDS'] ?? 0);
/** Unit ms. Far more than the time that is asked for: only a parser that hangs reaches it. */
const TIMEOUT_MS = SECONDS * 2000 + 120_000;
const SEED = Number(process.env['SEED'] ?? Date.now() % 0x7fffffff);

export function fuzz(area: string, targets: readonly Target[]): void {
  process.stderr.write(`fuzz ${area}: SEED=${SEED} tries the same inputs\n`);
  describe(`the parsers of ${area}`, { timeout: TIMEOUT_MS }, () => {
    it.each(targets)('$name: the same bytes again, or its own error', async (target) => {
      for (const bytes of target.valid) expect(await outcome(target, bytes), `${target.name} accepts ${shown(bytes)}`).toBe('accepted');
      const tried = { accepted: 0, refused: 0 };
      const property = fc.asyncProperty(mutated([...target.valid, ...(target.hostile ?? [])]), async (bytes) => {
        tried[await outcome(target, bytes)] += 1;
      });
      const until = SECONDS > 0 ? { numRuns: Infinity, interruptAfterTimeLimit: SECONDS * 1000 } : { numRuns: RUNS };
      await fc.assert(property, { seed: SEED, ...until });
      if (SECONDS > 0) process.stderr.write(`${target.name}: ${tried.accepted} accepted, ${tried.refused} refused\n`);
      expect(tried.accepted + tried.refused).toBeGreaterThan(0);
    });
  });
}

async function outcome({ parse, errors }: Target, bytes: Uint8Array): Promise<'accepted' | 'refused'> {
  let again: Uint8Array | undefined;
  try {
    again = await parse(bytes);
  } catch (error) {
    if (errors.some((known) => error instanceof known) && !isDefect(error)) return 'refused';
    throw new Error(`not its own error for ${shown(bytes)}: ${String(error)}`, { cause: error });
  }
  if (again !== undefined && !Buffer.from(again).equals(bytes)) throw new Error(`${shown(bytes)} was read, but is spelt ${shown(again)}`);
  return 'accepted';
}

/** Also where a parser documents no more than Error: of the stack, of an allocation, or of reading beyond a buffer. */
const isDefect = (error: unknown): boolean => error instanceof RangeError;

/** Unit bytes of a message: more helps nobody, and the seed brings all of it back. */
const SHOWN_MAX = 600;
const shown = (bytes: Uint8Array): string =>
  `${hex(bytes.subarray(0, SHOWN_MAX))}${bytes.length > SHOWN_MAX ? `… (${bytes.length} bytes)` : ''}`;

/** A parser of text: bytes that are no UTF-8 are read as UTF-16, which brings lone surrogates. `parse` returns the text again. */
export function ofText(parse: (text: string) => string | undefined): (bytes: Uint8Array) => undefined {
  return (bytes) => {
    const utf8 = Buffer.from(bytes).toString('utf8');
    const text = Buffer.from(utf8, 'utf8').equals(bytes) ? utf8 : Buffer.from(bytes).toString('utf16le');
    const again = parse(text);
    if (again !== undefined && again !== text) throw new Error(`${JSON.stringify(text)} was read, but is spelt ${JSON.stringify(again)}`);
    return undefined;
  };
}
