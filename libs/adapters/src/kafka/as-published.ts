import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** For tests: a module of kafkajs without our patch, so that each part of it is shown to be needed, or to give the same. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller states the shape, as with require itself
export function asPublished<T>(path: string): T {
  const file = require.resolve(`kafkajs/src/${path}`);
  const patched = require.cache[file];
  Reflect.deleteProperty(require.cache, file);
  const original = require(file) as T;
  require.cache[file] = patched;
  return original;
}
