// Started by check-child.ts: a bundle's JSON on stdin, a JSON list of refusals on stdout; with tests after a zero byte, of their results.
import { buffer } from 'node:stream/consumers';

import { type Bundle, fromUtf8, parseBundle, parseJson, parsePolicyTests, runPolicyTest } from '#domain';

import { CedarEngine } from './engine.ts';

const input = await buffer(process.stdin);
const end = input.indexOf(0);
process.stdout.write(JSON.stringify(end < 0 ? checked(input) : tested(input.subarray(0, end), input.subarray(end + 1))));

function checked(document: Uint8Array): readonly string[] {
  const bundle = read(document);
  return typeof bundle === 'string' ? [bundle] : new CedarEngine().refusals(bundle);
}

function tested(document: Uint8Array, tests: Uint8Array): readonly unknown[] {
  const bundle = read(document);
  if (typeof bundle === 'string') return [bundle];
  const engine = new CedarEngine();
  return parsePolicyTests(parseJson(fromUtf8(tests))).map((test) => runPolicyTest(bundle, engine, test));
}

function read(document: Uint8Array): Bundle | string {
  try {
    return parseBundle(parseJson(fromUtf8(document)));
  } catch (error) {
    return error instanceof Error ? error.message : 'not a bundle';
  }
}
