import { createRequire } from 'node:module';

import type * as cedarModule from '@cedar-policy/cedar-wasm/nodejs';

export type Cedar = typeof cedarModule;
export const CEDAR_VERSION = '4.13.0';

/**
 * A WebAssembly instance of its own. One that ever threw (a stack overflow in the parser is enough) answers every later call
 * with "memory access out of bounds", so it is dropped and the module loaded anew: some 15 ms.
 */
export function freshCedar(): Cedar {
  // The package makes its instance when it is loaded, so a second instance needs a second load. A requirer of its own, because
  // one remembers all that it ever loaded, and the cache cleared afterwards: else broken instances would stay in memory.
  const require = createRequire(import.meta.url);
  const path = require.resolve('@cedar-policy/cedar-wasm/nodejs');
  Reflect.deleteProperty(require.cache, path);
  const cedar = require(path) as Cedar;
  Reflect.deleteProperty(require.cache, path);
  const version = cedar.getCedarSDKVersion();
  if (version !== CEDAR_VERSION) throw new Error(`cedar: expected version ${CEDAR_VERSION}, got ${version}`);
  return cedar;
}
