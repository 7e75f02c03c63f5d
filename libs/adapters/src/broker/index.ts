export * from './choose.ts';
export * from './embedded.ts';
