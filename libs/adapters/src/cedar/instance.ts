import { createRequire } from 'node:module';

import type * as cedarModule from '@cedar-policy/cedar-wasm/nodejs';

export type Cedar = typeof cedarModule;
export const CEDAR_VERSION = '4.13.0';

const require = createRequire(import.meta.url);
const PATH = require.resolve('@cedar-policy/cedar-wasm/nodejs');

/**
 * A WebAssembly instance of its own. One that ever threw (a stack overflow in the parser is enough) answers every later call
 * with "memory access out of bounds", so it is dropped and the module loaded anew: some 15 ms.
 */
export function freshCedar(): Cedar {
  // The package makes its instance when it is loaded, so a second instance needs a second load.
  Reflect.deleteProperty(require.cache, PATH);
  const cedar = require(PATH) as Cedar;
  Reflect.deleteProperty(require.cache, PATH); // else the cache would keep a broken instance's memory alive
  const version = cedar.getCedarSDKVersion();
  if (version !== CEDAR_VERSION) throw new Error(`cedar: expected version ${CEDAR_VERSION}, got ${version}`);
  return cedar;
}
