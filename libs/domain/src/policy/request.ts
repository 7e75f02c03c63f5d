import type { Json } from '../formats/canonical-json.ts';
import { own } from './pointer.ts';
import type { ActorRow, PolicyTables } from './tables.ts';
import type { EngineRequest, Proposal } from './types.ts';

/** Members that Cedar's JSON reads as entities, extension calls or expressions instead of as data. */
const RESERVED = ['__entity', '__extn', '__expr'];

/** The question to the engine: principal, resource and their ancestors, and the declared facts; nothing else of the proposal. */
export function engineRequest(tables: PolicyTables, proposal: Proposal, context: Readonly<Record<string, Json>>): EngineRequest {
  const { actor, tenant, resource } = proposal;
  // `#` is in no identifier: two tenants' agents of one name are two principals.
  const principal = { type: actor.kind, id: `${tenant}#${actor.id}` };
  const home = { type: 'tenant', id: tenant };
  const groups = (actorOf(tables, proposal)?.parents ?? []).map(({ type, id }) => ({ type, id }));
  const entities: Json[] = [{ uid: principal, attrs: {}, parents: [home, ...groups] }, ...rowsAndAncestors(tables, [resource, ...groups])];
  return { principal, action: proposal.class, resource: { type: resource.type, id: resource.id }, context, entities };
}

/** Whether some member of the value, at any depth, would be read as more than data. */
export function hasReservedMember(value: Json): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(hasReservedMember);
  return Object.entries(value).some(([name, member]) => RESERVED.includes(name) || hasReservedMember(member));
}

/**
 * Each once, also where two groups share a parent. One without parents is not listed, nor is the tenant: entities have no attributes, so
 * the engine knows nothing more of it than that it is itself, and each that it reads costs a tenth of its answer.
 */
function rowsAndAncestors(tables: PolicyTables, rows: readonly { readonly type: string; readonly id: string }[]): Json[] {
  const seen = new Set<string>();
  const entities: Json[] = [];
  const pending = [...rows];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const name = `${next.type}#${next.id}`;
    if (seen.has(name)) continue;
    seen.add(name);
    const parents = resourceOf(tables, next)?.parents ?? [];
    if (parents.length === 0) continue;
    entities.push({ uid: { type: next.type, id: next.id }, attrs: {}, parents: parents.map(({ type, id }) => ({ type, id })) });
    pending.push(...parents);
  }
  return entities;
}

/** The actor's row; undefined without a table of its kind, and when it is not in it. */
export function actorOf({ actors }: PolicyTables, { tenant, actor }: Pick<Proposal, 'tenant' | 'actor'>): ActorRow | undefined {
  return own(own(actors?.[actor.kind] ?? {}, tenant) ?? {}, actor.id);
}

export function resourceOf(tables: PolicyTables, { type, id }: { readonly type: string; readonly id: string }) {
  return own(own(tables.resources, type) ?? {}, id);
}
