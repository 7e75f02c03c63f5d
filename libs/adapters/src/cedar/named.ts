import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { isIdentifier, isTenantId, type PolicyTables } from '#domain';

/** Kinds of actors; their ids are `<tenant>#<actor>`. */
const ACTORS = ['agent', 'person', 'pipeline'];

interface Uid {
  readonly type: string;
  readonly id: string;
}

/** Entities that a policy names and that cannot exist: a forbid of one, or of a group of them, would match nothing and say nothing. */
export function unlistedEntities(policy: PolicyJson, { format, resources, actors, envelopes }: PolicyTables): string[] {
  // A tenant is one that the bundle knows: by an envelope of its own. The common envelope knows none by name.
  const isTenant = (id: string): boolean => isTenantId(id) && (format === 1 || Object.hasOwn(envelopes, id));
  const faults = new Set<string>();
  for (const { type, id } of uidsIn(policy)) {
    if (type === 'Action') continue; // the validator knows them
    const exists =
      type === 'tenant'
        ? isTenant(id)
        : ACTORS.includes(type)
          ? isActor(id, actors?.[type as 'agent'], isTenant)
          : Object.hasOwn(resources[type] ?? {}, id);
    const place = type === 'tenant' ? 'has no envelope of its own' : 'is in no table';
    if (!exists) faults.add(`names ${type}::${JSON.stringify(id)}, which ${place}`);
  }
  return [...faults];
}

/** In the table of its kind, where there is one. */
function isActor(id: string, table: Readonly<Record<string, object>> | undefined, isTenant: (id: string) => boolean): boolean {
  const [tenant = '', actor = '', ...more] = id.split('#');
  if (more.length > 0 || !isTenant(tenant) || !isIdentifier(actor)) return false;
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
