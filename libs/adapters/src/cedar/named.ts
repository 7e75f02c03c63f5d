import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { isIdentifier, isTenantId, type PolicyTables } from '#domain';

/** Kinds of actors; their ids are `<tenant>#<actor>`. */
const ACTORS = ['agent', 'person', 'pipeline'];

interface Uid {
  readonly type: string;
  readonly id: string;
}

/** Entities that a policy names and that cannot exist: a forbid of one, or of a group of them, would match nothing and say nothing. */
export function unlistedEntities(policy: PolicyJson, { resources, actors }: PolicyTables): string[] {
  const faults = new Set<string>();
  for (const { type, id } of uidsIn(policy)) {
    if (type === 'Action') continue; // the validator knows them
    const exists =
      type === 'tenant'
        ? isTenantId(id)
        : ACTORS.includes(type)
          ? isActor(id, actors?.[type as 'agent'])
          : Object.hasOwn(resources[type] ?? {}, id);
    if (!exists) faults.add(`names ${type}::${JSON.stringify(id)}, which is in no table`);
  }
  return [...faults];
}

/** In the table of its kind, where there is one. */
function isActor(id: string, table: Readonly<Record<string, object>> | undefined): boolean {
  const [tenant = '', actor = '', ...more] = id.split('#');
  if (more.length > 0 || !isTenantId(tenant) || !isIdentifier(actor)) return false;
  return table === undefined || Object.hasOwn(table[tenant] ?? {}, actor);
}

/** Over the JSON form: only a uid has a type and an id that are text, a record literal's members are expressions. */
function uidsIn(value: unknown): Uid[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('type' in value && 'id' in value && typeof value.type === 'string' && typeof value.id === 'string') {
    return [{ type: value.type, id: value.id }];
  }
  return Object.values(value).flatMap(uidsIn);
}
