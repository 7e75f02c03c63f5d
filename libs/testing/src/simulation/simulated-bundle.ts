import { type Bundle, parseBundle } from '#domain';

import { testDocument } from '../policy/test-bundle.ts';

/** Every owner parses it at every take-over: no more of a bundle than these histories ask for, and of Cedar nothing, which nobody asks. */
const { format, classes, contracts, resources } = testDocument();
const { window: _, ...change } = classes.change;
const { low, high, medium, frozen } = resources.thing;
const twoEyes = { group: 'owners', min: 1 };
const board = { group: 'board', min: 2, expiresInSeconds: 300 };
const tables = {
  ...{ format, name: 'simulated', cedar: { schema: '', policies: {} }, resources: { thing: { low, high, medium, frozen } } },
  classes: {
    note: { ...classes.note, resultWithinSeconds: 60 },
    change: { ...change, requires: ['rollback'], after: ['healthcheck', 'state-hash'], resultWithinSeconds: 20 },
  },
  contracts: { tool: { version: '1', operations: { apply: { ...contracts.tool.operations.apply, parameters: { type: 'object' } } } } },
  envelopes: { '*': { operations: [{ connector: 'tool', operation: 'apply' }, { operation: 'write' }], resourceTypes: ['thing'] } },
  windows: {},
};

/** They differ in how long the one person who is asked about a thing of high risk has for an answer. */
export const SIMULATED_BUNDLES: readonly Bundle[] = [200, 60].map((expiresInSeconds) =>
  parseBundle({ ...tables, approvalRules: { 'two-eyes': { ...twoEyes, expiresInSeconds }, board } }),
);

/** How many different people each rule of either bundle asks for. */
export const SEATS: Readonly<Record<string, number>> = { 'two-eyes': twoEyes.min, board: board.min };
