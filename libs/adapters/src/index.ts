// wire
export * from './wire/codec.ts';
export * from './wire/headers.ts';
export { WireError, type WireFault } from './wire/strict.ts';
export { AvroRecord } from './wire/avro-record.ts';
export { fingerprintOf } from './wire/single-object.ts';
export { currentSchema, SCHEMA_NAMES, type SchemaName, schemasFolder, writtenSchemas } from './wire/schemas.ts';
export * from './kafka/index.ts';
export * from './broker/index.ts';
