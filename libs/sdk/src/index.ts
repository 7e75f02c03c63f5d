/** What agent platforms and executors import. Browsers import ./verify.ts alone. */
export * from './verify.ts';
