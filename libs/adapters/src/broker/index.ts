export { repositoryRoot } from './jars.ts';
export * from './choose.ts';
export * from './embedded.ts';
export { freePort } from './free-port.ts';
