import type { Bundle, PermitGuard } from '#domain';
import type { ValidateFunction } from 'ajv/dist/2020.js';

import type { Cedar } from './instance.ts';
import { oversize } from './limits.ts';
import { readPolicies } from './policies.ts';
import { compileSchemas } from './schemas.ts';

/** The bundle's fault, not the engine's. */
export class UnloadableBundle extends Error {
  override readonly name = 'UnloadableBundle';
}

/** A bundle compiled in one instance. */
export interface Loaded {
  /** Name of its schema there, and prefix of its policy sets' names. */
  readonly slot: string;
  readonly guards: ReadonlyMap<string, PermitGuard>;
  /** Name of the policy set of each class. */
  readonly setOf: ReadonlyMap<string, string>;
  readonly validators: ReadonlyMap<string, ValidateFunction>;
}

/** Throws on whatever would not be activated: nothing half-read is ever asked. */
export function load(cedar: Cedar, { tables }: Bundle, slot: string): Loaded {
  refuse(oversize(tables));
  const { guards, byClass, faults } = readPolicies(cedar, tables);
  const { validators, faults: schemaFaults } = compileSchemas(tables);
  refuse([...faults, ...schemaFaults]);
  refuseFailure(cedar.preparseSchema(slot, tables.cedar.schema));
  const setOf = new Map<string, string>();
  for (const [id, texts] of byClass) {
    const name = `${slot}.${setOf.size}`; // by number: the next bundle in this slot overwrites them
    refuseFailure(cedar.preparsePolicySet(name, { staticPolicies: texts }));
    setOf.set(id, name);
  }
  return { slot, guards, setOf, validators };
}

function refuse(faults: readonly string[]): void {
  if (faults.length > 0) throw new UnloadableBundle(`bundle cannot be loaded: ${faults.join('; ')}`);
}

function refuseFailure(answer: ReturnType<Cedar['preparseSchema']>): void {
  if (answer.type === 'failure') refuse(answer.errors.map((error) => error.message));
}
