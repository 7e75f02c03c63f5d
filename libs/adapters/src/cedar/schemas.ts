import type { PolicyTables } from '#domain';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

import { schemaFaults } from './schema-limits.ts';

export interface ParameterSchemas {
  readonly validators: ReadonlyMap<string, ValidateFunction>;
  readonly faults: readonly string[];
}

// One for all: compiling the metaschema takes some 50 ms. Schemas have no $id, so none can refer to another.
const ajv = new Ajv2020({ strict: true, ownProperties: true, allErrors: false, logger: false, addUsedSchema: false });

/** Compiles each contract's parameters (JSON Schema 2020-12). */
export function compileSchemas(tables: PolicyTables): ParameterSchemas {
  const validators = new Map<string, ValidateFunction>();
  const faults: string[] = [];
  for (const [id, contract] of Object.entries(tables.contracts)) {
    for (const [name, { parameters }] of Object.entries(contract.operations)) {
      const limits = schemaFaults(parameters);
      faults.push(...limits.map((fault) => `contract ${id} ${name}: parameters: ${fault}`));
      if (limits.length > 0) continue;
      try {
        validators.set(schemaKey(id, name), ajv.compile(parameters));
      } catch (error) {
        faults.push(`contract ${id} ${name}: parameters: ${error instanceof Error ? error.message : 'not a schema'}`);
      } finally {
        ajv.removeSchema(parameters); // its cache has no bound
      }
    }
  }
  return { validators, faults };
}

/** Space is in no identifier. */
export const schemaKey = (contract: string, operation: string): string => `${contract} ${operation}`;
