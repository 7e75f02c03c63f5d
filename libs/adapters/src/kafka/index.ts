export * from './admin.ts';
export * from './client.ts';
export * from './errors.ts';
export * from './producer.ts';
export * from './reader.ts';
export * from './topics.ts';
export { type KafkaRecord } from './records.ts';
export { type FetchPosition } from './fetch-request.ts';
export * from './lease.ts';
