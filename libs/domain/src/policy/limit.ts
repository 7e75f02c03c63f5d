/** Cumulative limits as data: how much of something one actor, resource, order or tenant may have in a sliding window. */
import { z } from 'zod';

import { identifier, pointer, seconds } from './spelling.ts';

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

/** What was counted so far and is in the window; `unknown`: some of it was erased, so nobody can say how much it was. */
export type Spent = (count: Count) => number | 'unknown';
