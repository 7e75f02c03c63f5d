/** What a tenant may ask for at all: operations, resource types, fields, rows, amounts, hours. */
import type { Json } from '../formats/canonical-json.ts';
import { atPointer, own } from './pointer.ts';
import type { EnvelopeOperation, Operation, PolicyTables } from './tables.ts';
import type { Proposal } from './types.ts';
import { isAnyOpen } from './window.ts';

/** A tenant without its own envelope has the common one, if there is one. `called`: the contract's operation, if it has one. */
export const isInEnvelope = (...asked: Parameters<typeof admittedBy>): boolean => admittedBy(...asked) !== undefined;

/** What of the envelope admits it. */
export function admittedBy(
  tables: PolicyTables,
  proposal: Proposal,
  called: Operation | undefined,
  nowMs: number,
): EnvelopeOperation | undefined {
  const envelope = own(tables.envelopes, proposal.tenant) ?? own(tables.envelopes, '*');
  if (envelope?.resourceTypes.includes(proposal.resource.type) !== true) return undefined;
  return envelope.operations.find(
    (one) =>
      one.connector === proposal.connector &&
      one.operation === proposal.operation &&
      areLimitsKept(one, called, proposal.parameters) &&
      (one.window === undefined || isAnyOpen(tables.windows, one.window, nowMs)),
  );
}

/** What cannot be measured is not within a limit. */
function areLimitsKept({ fields, rowsMax, amountMax }: EnvelopeOperation, called: Operation | undefined, parameters: Json): boolean {
  const at = (pointer: string | undefined): Json | undefined => (pointer === undefined ? undefined : atPointer(parameters, pointer));
  if (fields !== undefined && namesIn(at(called?.fields))?.every((name) => fields.includes(name)) !== true) return false;
  return isAtMost(rowsIn(at(called?.rows)), rowsMax) && isAtMost(at(called?.amount), amountMax);
}

function namesIn(value: Json | undefined): readonly string[] | undefined {
  if (Array.isArray(value)) return value.every((name) => typeof name === 'string') ? value : undefined;
  return typeof value === 'object' && value !== null ? Object.keys(value) : undefined;
}

const rowsIn = (value: Json | undefined): Json | undefined => (Array.isArray(value) ? value.length : value);

function isAtMost(value: Json | undefined, max: number | undefined): boolean {
  return max === undefined || (typeof value === 'number' && value >= 0 && value <= max);
}
