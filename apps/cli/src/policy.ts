/** What the policy commands share: a bundle from disk, checked and tested in a process of its own. */
import { loadBundle, loadBundleTests, testBundleInChild, checkBundleInChild } from '#adapters';
import { type Bundle, canonicalBytes, parseBundle, type PolicyTest, type PolicyTestResult } from '#domain';

import { CliError, explain, INVALID } from './errors.ts';

const OLD_FORMAT = 'bundle.json: format 1 is read for ledgers of rules 1 only: write "format": 2, and check again';

export interface CheckedBundle {
  readonly bundle: Bundle;
  /** Why it cannot be activated; empty when it can. */
  readonly refusals: readonly string[];
  readonly tests: number;
}

/** Throws CliError: "could not tell" for what is not there, "invalid" for what is no bundle. */
export function readBundle(path: string): Bundle {
  return parseBundle(reading(path, () => loadBundle(path)));
}

export function readTests(path: string): PolicyTest[] {
  return reading(path, () => loadBundleTests(path));
}

/** Its tables, its Cedar, and its own tests: all that activation asks, and more. */
export async function checkPolicy(path: string): Promise<CheckedBundle> {
  const bundle = readBundle(path);
  const tests = readTests(path);
  if (bundle.tables.format === 1) return { bundle, refusals: [OLD_FORMAT], tests: tests.length };
  const refusals = await checkBundleInChild(canonicalBytes(bundle.document));
  if (refusals.length > 0 || tests.length === 0) return { bundle, refusals, tests: tests.length };
  const failed = (await testPolicy(bundle, tests)).filter(({ ok }) => !ok);
  return { bundle, refusals: failed.map((result) => `test ${JSON.stringify(result.name)}: got ${gotOf(result)}`), tests: tests.length };
}

/** Throws CliError when the bundle cannot be loaded at all. */
export async function testPolicy(bundle: Bundle, tests: readonly PolicyTest[]): Promise<readonly PolicyTestResult[]> {
  const tested = await testBundleInChild(canonicalBytes(bundle.document), tests);
  if ('results' in tested) return tested.results;
  throw new CliError(`the tests cannot be run (${tested.refusals.join('; ')}): countersign policy check says more`, INVALID);
}

export const gotOf = ({ verdict, reasons, policies }: PolicyTestResult): string =>
  [verdict, ...reasons, policies.length > 0 ? `by ${policies.join(', ')}` : ''].filter((word) => word !== '').join(' ');

/** One line for people that cite it. */
export const nameOf = ({ document, digest }: Bundle): string => `${document.name} ${digest}`;

function reading<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const isAway = error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EACCES');
    if (isAway) throw new CliError(`${path} cannot be read (${explain(error)}): give a bundle's folder, such as policies/standard`);
    throw new CliError(`${path} is no bundle (${explain(error)})`, INVALID);
  }
}
