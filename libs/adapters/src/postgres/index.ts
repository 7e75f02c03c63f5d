export { type ChosenDatabase, chooseDatabase } from './choose.ts';
export { type EmbeddedPostgres, type EmbeddedPostgresOptions, startEmbeddedPostgres } from './embedded.ts';
