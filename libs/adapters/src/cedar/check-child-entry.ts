// Started by check-child.ts: a bundle's JSON on stdin, a JSON list of refusals on stdout.
import { buffer } from 'node:stream/consumers';

import { fromUtf8, parseBundle, parseJson } from '#domain';

import { CedarEngine } from './engine.ts';

process.stdout.write(JSON.stringify(refusals(await buffer(process.stdin))));

function refusals(document: Uint8Array): readonly string[] {
  let bundle;
  try {
    bundle = parseBundle(parseJson(fromUtf8(document)));
  } catch (error) {
    return [error instanceof Error ? error.message : 'not a bundle'];
  }
  return new CedarEngine().refusals(bundle);
}
