import type { PolicyTables } from '#domain';

/** Cedar costs some 0.7 µs a policy and call; a class sees only its own. */
export const POLICIES_MAX = 256;
/** A policy that a person can review. */
export const POLICY_CHARS_MAX = 16 * 1024;
export const SCHEMA_CHARS_MAX = 64 * 1024;
/** Cedar's parser recurses: some 140 nested parentheses overflow its stack and break the instance. */
export const BRACKETS_MAX = 32;
/**
 * Levels of the JSON form of an expression, two per operator. Evaluation recurses too: 300 nested operators were answered, 600 broke
 * the instance after parser and validator had accepted them.
 */
export const EXPRESSION_LEVELS_MAX = 200;
/** Each is a policy set of its own in the engine. */
export const CLASSES_MAX = 64;

/** What is too large to be given to the parser at all. */
export function oversize({ cedar, classes }: PolicyTables): string[] {
  const policies = Object.entries(cedar.policies);
  const faults: string[] = [];
  if (policies.length > POLICIES_MAX) faults.push(`${policies.length} policies, at most ${POLICIES_MAX}`);
  if (Object.keys(classes).length > CLASSES_MAX) faults.push(`${Object.keys(classes).length} classes, at most ${CLASSES_MAX}`);
  if (cedar.schema.length > SCHEMA_CHARS_MAX) faults.push(`schema: ${cedar.schema.length} characters, at most ${SCHEMA_CHARS_MAX}`);
  for (const [id, text] of [...policies, ['schema', cedar.schema] as const]) {
    if (text.length > SCHEMA_CHARS_MAX || (id !== 'schema' && text.length > POLICY_CHARS_MAX)) faults.push(`policy ${id}: too long`);
    else if (depthOf(text) > BRACKETS_MAX) faults.push(`policy ${id}: brackets nested more than ${BRACKETS_MAX} levels`);
  }
  return faults;
}

/** Brackets in strings and comments count too, and closing ones never below zero: never less than the parser's own depth by much. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const char of text) {
    if ('([{<'.includes(char)) deepest = Math.max(deepest, ++depth);
    else if (')]}>'.includes(char)) depth = Math.max(0, depth - 1);
  }
  return deepest;
}

/** Levels of objects and arrays, counted without recursion. */
export function levelsOf(value: unknown): number {
  let levels = 0;
  for (let row: unknown[] = [value]; row.length > 0; levels += 1) {
    row = row.flatMap((item): unknown[] => (typeof item === 'object' && item !== null ? Object.values(item) : []));
  }
  return levels;
}
