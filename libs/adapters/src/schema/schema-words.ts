/** Reads a JSON Schema as far as it is one: what is of another shape has nothing in it, and is for ajv to refuse. */
import type { Json } from '#domain';

export type Schema = Readonly<Record<string, Json>>;

export const isSchema = (value: Json | undefined): value is Record<string, Json> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const schemaIn = (value: Json | undefined): Schema => (isSchema(value) ? value : {});
/** Members by name, each a schema or a list. */
export const objectIn = (value: Json | undefined): Schema => schemaIn(value);
export const listOf = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : []);
export const listIn = (value: Json | undefined): readonly Schema[] => listOf(value).map(schemaIn);
export const typesOf = ({ type }: Schema): readonly string[] =>
  (Array.isArray(type) ? type : [type]).filter((name): name is string => typeof name === 'string');
