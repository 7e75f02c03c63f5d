import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { BUNDLE_DOCUMENT_BYTES_MAX } from '#domain';

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
export function checkBundleInChild(documentBytes: Uint8Array, { msMax = CHECK_MS_MAX, heapMibMax = HEAP_MIB_MAX } = {}): Promise<string[]> {
  if (documentBytes.length > BUNDLE_DOCUMENT_BYTES_MAX) {
    return Promise.resolve([`bundle has ${documentBytes.length} bytes, at most ${BUNDLE_DOCUMENT_BYTES_MAX}`]);
  }
  const args = [`--max-old-space-size=${heapMibMax}`, `--wasm-max-mem-pages=${WASM_PAGES_MAX}`, ...loaderArgs(), entryPath()];
  const limits = { timeout: msMax, killSignal: 'SIGKILL', maxBuffer: OUTPUT_BYTES_MAX, env: {} } as const;
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, limits, (error, stdout) => {
      if (error) resolve([`check failed: ${error.killed ? `no answer within ${msMax} ms` : 'the checking process died'}`]);
      else resolve(refusalsIn(stdout));
    });
    child.stdin?.on('error', () => undefined); // a child that died early is reported by its exit
    child.stdin?.end(documentBytes);
  });
}

function refusalsIn(stdout: string): string[] {
  try {
    const answer: unknown = JSON.parse(stdout);
    if (Array.isArray(answer) && answer.every((item) => typeof item === 'string')) return answer;
  } catch {
    // Anything but a list of refusals is a failed check.
  }
  return ['check failed: the checking process gave no answer'];
}

const isSource = import.meta.url.endsWith('.ts');
const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const entryPath = (): string => beside(isSource ? './check-child-entry.ts' : './check-child-entry.js');
/** Source needs the same loader as whoever runs it; a build needs none. */
const loaderArgs = (): string[] => (isSource ? ['--import', new URL('../../../../scripts/register.mjs', import.meta.url).href] : []);
