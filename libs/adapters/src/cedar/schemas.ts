import type { PolicyTables } from '#domain';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

import { divisorOf, isMultipleOf } from '../schema/multiple-of.ts';
import { patternOf } from '../schema/pattern.ts';
import { schemaFaults as faultsOfFormat2 } from '../schema/schema-faults.ts';
import { schemaFaults as faultsOfFormat1 } from './schema-limits.ts';

export interface ParameterSchemas {
  readonly validators: ReadonlyMap<string, ValidateFunction>;
  readonly faults: readonly string[];
}

// One of each for all: compiling the metaschema takes some 50 ms. Schemas have no $id, so none can refer to another.
const OPTIONS = { strict: true, ownProperties: true, allErrors: false, logger: false, addUsedSchema: false } as const;

/** With the language's own patterns and binary remainders, as when there was one format. */
const format1 = { ajv: new Ajv2020(OPTIONS), faultsOf: faultsOfFormat1 };

const linear = Object.assign((text: string) => patternOf(text), { code: 'require("countersign/pattern").patternOf' });
const format2 = { ajv: new Ajv2020({ ...OPTIONS, allowUnionTypes: true, code: { regExp: linear } }), faultsOf: faultsOfFormat2 };
format2.ajv.removeKeyword('multipleOf').addKeyword({
  keyword: 'multipleOf',
  type: 'number',
  schemaType: 'number',
  compile: (written: number) => {
    const divisor = divisorOf(written);
    return (value: number) => divisor !== undefined && isMultipleOf(value, divisor);
  },
});

/** Compiles each contract's parameters (JSON Schema 2020-12). */
export function compileSchemas(tables: PolicyTables): ParameterSchemas {
  const { ajv, faultsOf } = tables.format === 1 ? format1 : format2;
  const validators = new Map<string, ValidateFunction>();
  const faults: string[] = [];
  for (const [id, contract] of Object.entries(tables.contracts)) {
    for (const [name, { parameters }] of Object.entries(contract.operations)) {
      const limits = faultsOf(parameters);
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
