/** What a proposal adds to the cumulative limits of its class. */
import { sha256 } from '#crypto';

import { base64url, utf8 } from '../formats/bytes.ts';
import { canonicalize, type Json } from '../formats/canonical-json.ts';
import { type Count, type Limit, LIMIT_AMOUNT_MAX } from './limit.ts';
import { atPointer, own } from './pointer.ts';
import type { Operation, PolicyTables } from './tables.ts';
import type { Proposal } from './types.ts';

/** In the order of the limits' ids. `asker` stands for the actor, where it is given. */
export function countsOf(tables: PolicyTables, proposal: Proposal, asker?: string): readonly Count[] {
  const called = own(own(tables.contracts, proposal.connector ?? '')?.operations ?? {}, proposal.operation);
  return limitsOn(tables, proposal.class).map(([id, { per, of }]) => {
    const value = per === 'actor' && asker !== undefined ? asker : keyedBy(per, proposal);
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
