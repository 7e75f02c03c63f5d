/**
 * What a contract's JSON Schema may not hold, because a hostile value could make it run for hours: recursion, and patterns that
 * backtrack. Checked over all members, whatever their place.
 */
import type { Json } from '#domain';

/** uniqueItems compares every pair. */
const UNIQUE_ITEMS_MAX = 1000;
const REPEAT_MAX = 1000;
const REFUSED_MEMBERS = ['$dynamicRef', '$recursiveRef', '$dynamicAnchor', '$id', '$anchor'];

export function schemaFaults(schema: Record<string, Json>): string[] {
  const faults = new Set<string>();
  if (schema['type'] !== 'object') faults.add('type is not object');
  if (schema['additionalProperties'] !== false && schema['unevaluatedProperties'] !== false) faults.add('takes unknown members');
  walk(schema, false, faults);
  return [...faults];
}

function walk(value: Json, insideDefinition: boolean, faults: Set<string>): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) walk(item, insideDefinition, faults);
    return;
  }
  for (const [name, member] of Object.entries(value)) {
    if (REFUSED_MEMBERS.includes(name)) faults.add(`${name} is not supported`);
    // One step only: a definition that refers on could come back to itself, and cost 2^depth.
    if (name === '$ref' && (insideDefinition || typeof member !== 'string' || !member.startsWith('#/$defs/'))) {
      faults.add('$ref goes from outside $defs to #/$defs/… only');
    }
    if (name === 'pattern' && typeof member === 'string' && !isLinear(member)) faults.add(`pattern may backtrack: ${member}`);
    if (name === 'patternProperties' && typeof member === 'object' && member !== null) {
      for (const pattern of Object.keys(member)) if (!isLinear(pattern)) faults.add(`pattern may backtrack: ${pattern}`);
    }
    if (name === 'uniqueItems' && member === true && !isAtMost(value['maxItems'], UNIQUE_ITEMS_MAX)) {
      faults.add(`uniqueItems needs maxItems ≤ ${UNIQUE_ITEMS_MAX}`);
    }
    walk(member, insideDefinition || name === '$defs', faults);
  }
}

const isAtMost = (value: Json | undefined, max: number): boolean => typeof value === 'number' && value <= max;

/** Anchored at the start, at most one unbounded repetition, no repeated group, no look-around, no back reference: linear. */
function isLinear(pattern: string): boolean {
  if (!pattern.startsWith('^') || /\\[1-9k]|\(\?/.test(pattern)) return false;
  const bare = pattern.replace(/\\./g, 'x').replace(/\[[^\]]*\]/g, 'x');
  if (/\)[*+?{]/.test(bare)) return false;
  const unbounded = bare.match(/[*+]|\{\d+,\}/g) ?? [];
  const bounds = [...bare.matchAll(/\{\d*,?(\d+)\}/g)].map((found) => Number(found[1]));
  // Alternatives are tried one after the other; two bounded repetitions side by side cost at most their product.
  return (
    unbounded.length <= 1 &&
    bounds.every((bound) => bound <= REPEAT_MAX) &&
    bounds.reduce((all, bound) => all * Math.max(1, bound), 1) <= 1e6
  );
}
