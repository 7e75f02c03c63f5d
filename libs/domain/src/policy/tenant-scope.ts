/** Whose data an operation is about: the proposal's tenant, in every place where a tenant may stand. */
import type { Json } from '../formats/canonical-json.ts';
import { atPointer, everyAt, isIdOf } from './pointer.ts';
import type { Contract, Operation } from './tables.ts';
import type { Proposal } from './types.ts';

interface Called {
  readonly contract: Contract;
  readonly operation: Operation;
}

/** The tenant stands where it must, and no other one where it may. */
export function isOfOwnTenant({ contract, operation }: Called, { tenant: acting, parameters }: Proposal, format: 1 | 2): boolean {
  const { tenant, alsoTenant = [] } = operation;
  const { tenantMembers = [] } = contract;
  const isOwn = (value: Json | undefined): boolean => isIdOf(value, acting, format);
  if (tenant !== null && !isOwn(atPointer(parameters, tenant))) return false;
  if (format === 1)
    return alsoTenant.map((pointer) => atPointer(parameters, pointer)).every((found) => found === undefined || isOwn(found));
  if (!alsoTenant.every((pointer) => everyAt(parameters, pointer).every(isOwn))) return false;
  return tenantMembers.length === 0 || !namesAnother(parameters, new Set(tenantMembers), isOwn);
}

/** A member of one of the names, at any depth, that is not the tenant: nor a list of nothing else. */
function namesAnother(value: Json, names: ReadonlySet<string>, isOwn: (value: Json) => boolean): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some((item) => namesAnother(item, names, isOwn));
  return Object.entries(value).some(([name, member]) =>
    names.has(name) ? !(Array.isArray(member) ? member : [member]).every(isOwn) : namesAnother(member, names, isOwn),
  );
}
