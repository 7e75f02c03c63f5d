import { type Bundle, parseBundle } from '#domain';

import { testDocument } from '../policy/test-bundle.ts';

/** Every owner parses it at every take-over: no more of a bundle than these histories ask for, and of Cedar nothing, which nobody asks. */
const { format, classes, contracts, resources } = testDocument();
const { window: _, ...change } = classes.change;
const { low, high, medium, frozen } = resources.thing;
const twoEyes = { group: 'owners', min: 1 };
const board = { group: 'board', min: 2, expiresInSeconds: 300 };
/** Cumulative limits: what people are asked about beyond it, and what is denied beyond it. */
export const LIMITED = [
  { class: 'note', max: 1, windowMs: 60_000, isHard: false },
  { class: 'change', max: 2, windowMs: 120_000, isHard: true },
] as const;
const limits = Object.fromEntries(
  LIMITED.map(({ class: cls, max, windowMs, isHard }) => {
    const over = isHard ? 'deny' : { approval: 'two-eyes' };
    return [cls, { classes: [cls], per: 'tenant', of: 'count', max, windowSeconds: windowMs / 1000, over }];
  }),
);
const tables = {
  ...{ format, name: 'simulated', cedar: { schema: '', policies: {} }, resources: { thing: { low, high, medium, frozen } } },
  classes: {
    note: { ...classes.note, resultWithinSeconds: 60 },
    change: { ...change, requires: ['rollback'], after: ['healthcheck', 'state-hash'], resultWithinSeconds: 20 },
  },
  envelopes: { '*': { operations: [{ connector: 'tool', operation: 'apply' }, { operation: 'write' }], resourceTypes: ['thing'] } },
  windows: {},
  limits,
};

const apply = { ...contracts.tool.operations.apply, parameters: { type: 'object' } };

/** They differ in how long the one person who is asked about a thing of high risk has for an answer, and in what undoes a change. */
const DIFFERENCES = [
  [200, 'inverse'],
  [60, 'snapshot'],
] as const;
export const SIMULATED_BUNDLES: readonly Bundle[] = DIFFERENCES.map(([expiresInSeconds, rollback]) =>
  parseBundle({
    ...tables,
    contracts: { tool: { version: '1', operations: { apply: { ...apply, rollback } } } },
    approvalRules: { 'two-eyes': { ...twoEyes, expiresInSeconds }, board },
  }),
);

/** What undoes a change, by the digest of the bundle. */
export const REVERT_OF: ReadonlyMap<string | null, string> = new Map(
  SIMULATED_BUNDLES.map(({ digest }, at) => [digest, DIFFERENCES[at]?.[1] ?? '']),
);

/** How many different people each rule of either bundle asks for. */
export const SEATS: Readonly<Record<string, number>> = { 'two-eyes': twoEyes.min, board: board.min };
