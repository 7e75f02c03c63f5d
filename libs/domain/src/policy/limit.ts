/** Cumulative limits as data: how much of something one actor, resource, order or tenant may have in a sliding window. */
import { z } from 'zod';

import { sha256 } from '#crypto';

import { base64url, utf8 } from '../formats/bytes.ts';
import { canonicalize, type Json } from '../formats/canonical-json.ts';
import { identifier, pointer, seconds } from './spelling.ts';
import { atPointer, own } from './pointer.ts';
import type { Operation, PolicyTables } from './tables.ts';
import type { Proposal } from './types.ts';

/** An entry names those that it counts towards, in a list that stays readable. */
export const LIMITS_PER_BUNDLE_MAX = 32;
/** In the amount's own unit: nine thousand of them are still added up exactly. */
export const LIMIT_AMOUNT_MAX = 1_000_000_000_000;
/** Thirty days: a month of refunds for one order. Whatever is counted is remembered for as long. */
export const LIMIT_WINDOW_SECONDS_MAX = 2_592_000;

export const limit = z.strictObject({
  /** What counts: decisions of these classes, and nothing else. */
  classes: z.array(identifier).min(1).max(32),
  /** What has a limit of its own, always within one tenant: all of it, each class, actor or resource, or each value at a pointer. */
  per: z.union([z.enum(['tenant', 'class', 'actor', 'resource']), pointer.refine((text) => text !== '', 'the whole of the parameters')]),
  /** Actions, or the sum of what the contract's `amount` points to. */
  of: z.enum(['count', 'amount']),
  max: z.int().min(0),
  windowSeconds: seconds(60, LIMIT_WINDOW_SECONDS_MAX),
  /** What becomes of an action that would go over it: denied, or asked of people under this approval rule. */
  over: z.union([z.literal('deny'), z.strictObject({ approval: identifier })]),
});
export type Limit = z.infer<typeof limit>;

/** What one action adds to one limit. */
export interface Count {
  readonly limit: string;
  /** Stands for what the limit is kept per: digest of it, and of how the limit counts. */
  readonly key: string;
  /** null: the parameters do not hold it, so nobody can say how much it is. */
  readonly amount: number | null;
}

/** In the order of the limits' ids. */
export function countsOf(tables: PolicyTables, proposal: Proposal): readonly Count[] {
  const called = own(own(tables.contracts, proposal.connector ?? '')?.operations ?? {}, proposal.operation);
  return limitsOn(tables, proposal.class).map(([id, { per, of }]) => {
    const value = keyedBy(per, proposal);
    const amount = value === undefined ? null : of === 'count' ? 1 : amountOf(proposal, called);
    return { limit: id, key: keyOf([id, of, per, value ?? null]), amount };
  });
}

/** Limits that actions of a class count towards, by id. */
export function limitsOn({ limits }: PolicyTables, cls: string): readonly (readonly [string, Limit])[] {
  if (limits === undefined) return [];
  return Object.entries(limits)
    .filter(([, { classes }]) => classes.includes(cls))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function keyedBy(per: string, { class: cls, actor, resource, parameters }: Proposal): Json | undefined {
  if (per === 'tenant') return '';
  if (per === 'class') return cls;
  if (per === 'actor') return [actor.kind, actor.id];
  if (per === 'resource') return [resource.type, resource.id];
  return atPointer(parameters, per);
}

/** Whole numbers only: sums of others depend on their order. */
function amountOf({ parameters }: Proposal, called: Operation | undefined): number | null {
  const amount = called?.amount === undefined ? undefined : atPointer(parameters, called.amount);
  return typeof amount === 'number' && Number.isSafeInteger(amount) && amount >= 0 && amount <= LIMIT_AMOUNT_MAX ? amount : null;
}

/** 16 bytes: two that share them would need 2⁶⁴ tries. */
const keyOf = (of: Json): string => base64url(sha256(utf8(canonicalize(of))).subarray(0, 16));
