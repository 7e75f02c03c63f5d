import { execFile } from 'node:child_process';
import { getPriority, setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';

import { BUNDLE_DOCUMENT_BYTES_MAX, type PolicyTest, type PolicyTestResult } from '#domain';

/** Sizes and nesting are bounded, so an honest bundle takes a second or two; this is for a machine that has no time at all. */
const CHECK_MS_MAX = 60_000;
/** Twenty times what a full bundle takes. */
const HEAP_MIB_MAX = 256;
/** 64 KiB each: 256 MiB. */
const WASM_PAGES_MAX = 4096;
/** Refusals are for people; a megabyte of them is not. */
const OUTPUT_BYTES_MAX = 1024 * 1024;

/**
 * Checks a candidate bundle in a process of its own, bounded in time and memory: a hostile one can kill an engine, and must not
 * kill the decider's. Takes the document's JSON; resolves to the reasons why it cannot be activated, never rejects.
 */
export async function checkBundleInChild(documentBytes: Uint8Array, limits: ChildLimits = {}): Promise<string[]> {
  const asked = await ask(documentBytes, '', limits);
  if (typeof asked === 'string') return [asked];
  return isTexts(asked) ? asked : [NO_ANSWER];
}

/** The bundle's own tests, in such a process too. A list of refusals instead of results when they could not be run. */
export async function testBundleInChild(
  documentBytes: Uint8Array,
  tests: readonly PolicyTest[],
  limits: ChildLimits = {},
): Promise<{ readonly results: readonly PolicyTestResult[] } | { readonly refusals: readonly string[] }> {
  const asked = await ask(documentBytes, JSON.stringify(tests), limits);
  if (typeof asked === 'string') return { refusals: [asked] };
  if (isTexts(asked) && asked.length > 0) return { refusals: asked };
  return asked.length === tests.length && asked.every(isResult) ? { results: asked } : { refusals: [NO_ANSWER] };
}

interface ChildLimits {
  readonly msMax?: number;
  readonly heapMibMax?: number;
}
const NO_ANSWER = 'check failed: the checking process gave no answer';
const isList = (value: unknown): value is unknown[] => Array.isArray(value);
const isTexts = (list: unknown[]): list is string[] => list.every((item) => typeof item === 'string');
const isResult = (item: unknown): item is PolicyTestResult =>
  typeof item === 'object' && item !== null && 'ok' in item && 'reasons' in item;

/** On stdin the document, and after a zero byte, which no JSON has, the tests. Resolves to a list, or to what went wrong. */
function ask(
  documentBytes: Uint8Array,
  tests: string,
  { msMax = CHECK_MS_MAX, heapMibMax = HEAP_MIB_MAX }: ChildLimits,
): Promise<unknown[] | string> {
  if (documentBytes.length > BUNDLE_DOCUMENT_BYTES_MAX) {
    return Promise.resolve(`bundle has ${documentBytes.length} bytes, at most ${BUNDLE_DOCUMENT_BYTES_MAX}`);
  }
  const args = [`--max-old-space-size=${heapMibMax}`, `--wasm-max-mem-pages=${WASM_PAGES_MAX}`, ...loaderArgs(), entryPath()];
  const limits = { timeout: msMax, killSignal: 'SIGKILL', maxBuffer: OUTPUT_BYTES_MAX, env: {} } as const;
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, limits, (error, stdout) => {
      if (error) resolve(`check failed: ${error.killed ? `no answer within ${msMax} ms` : 'the checking process died'}`);
      else resolve(listIn(stdout));
    });
    if (child.pid !== undefined) withoutOurPriority(child.pid);
    child.stdin?.on('error', () => undefined); // a child that died early is reported by its exit
    child.stdin?.end(tests === '' ? documentBytes : Buffer.concat([documentBytes, Buffer.from(`\0${tests}`)]));
  });
}

/** A decider's own is for deciding. */
function withoutOurPriority(pid: number): void {
  try {
    if (getPriority() < 0) setPriority(pid, 0);
  } catch {
    // It has ended already.
  }
}

function listIn(stdout: string): unknown[] | string {
  try {
    const answer: unknown = JSON.parse(stdout);
    if (isList(answer)) return answer;
  } catch {
    // Anything but a list is a failed check.
  }
  return NO_ANSWER;
}

const isSource = import.meta.url.endsWith('.ts');
const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const entryPath = (): string => beside(isSource ? './check-child-entry.ts' : './check-child-entry.js');
/** Source needs the same loader as whoever runs it; a build needs none. */
const loaderArgs = (): string[] => (isSource ? ['--import', new URL('../../../../scripts/register.mjs', import.meta.url).href] : []);
