/** `npm run test:faults`: the fault suite's long form, and docs/faults.md from what it wrote down. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';

import { formatMatrix } from './matrix.ts';
import type { TrialRecord } from './trial.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const MATRIX = join(ROOT, 'docs/faults.md');
const FILES = ['test/faults', 'test/spine/forged.spec.ts', 'test/spine/lost.spec.ts'];
/** Of the long form: with fewer kills, or only some faults, the matrix is printed and the committed one stays. */
const KILLS = 10;
const USAGE = 'npm run test:faults -- [--kills N, default 10] [--seed N, default random] [--only WORD of a test’s name]';

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  const options = read(argv);
  if (!options) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  const { kills, seed, only } = options;
  process.stderr.write(`seed ${seed}, ${kills} tries per fault\n`);
  const work = mkdtempSync(join(tmpdir(), 'countersign-faults-'));
  const log = join(work, 'trials.jsonl');
  const report = join(work, 'vitest.json');
  const startedMs = Date.now();
  try {
    const args = ['run', '--project', 'system', ...FILES, ...(only === undefined ? [] : ['-t', only])];
    const vitest = [
      join(ROOT, 'node_modules/vitest/vitest.mjs'),
      ...args,
      '--reporter=default',
      '--reporter=json',
      `--outputFile=${report}`,
    ];
    const env = { ...process.env, COUNTERSIGN_FAULT_KILLS: String(kills), COUNTERSIGN_FAULT_LOG: log, SEED: String(seed) };
    const { status } = spawnSync(process.execPath, vitest, { cwd: ROOT, stdio: 'inherit', env });
    const failed = failedTests(report);
    const minutes = Math.round((Date.now() - startedMs) / 60_000);
    const run = { date: new Date().toISOString().slice(0, 10), seed, kills, minutes, ...versions(), failed };
    const matrix = await format(formatMatrix(recordsOf(log), run), {
      ...(await resolveConfig(MATRIX)),
      parser: 'markdown',
      proseWrap: 'always',
    });
    if (only === undefined && kills >= KILLS) writeFileSync(MATRIX, matrix);
    else process.stdout.write(`\n${matrix}`);
    return status ?? 1;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** undefined when they are not understood. */
function read(argv: readonly string[]): { kills: number; seed: number; only: string | undefined } | undefined {
  try {
    const text = { type: 'string' } as const;
    const { values } = parseArgs({ args: [...argv], options: { kills: text, seed: text, only: text } });
    const kills = Number(values.kills ?? KILLS);
    const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
    if (!Number.isInteger(kills) || kills < 1 || !Number.isInteger(seed) || seed < 0) return undefined;
    return { kills, seed, only: values.only };
  } catch {
    return undefined;
  }
}

function recordsOf(log: string): TrialRecord[] {
  if (!existsSync(log)) return [];
  const lines = readFileSync(log, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as TrialRecord);
}

interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** By name; a file that could not be run, by its file name. */
function failedTests(report: string): string[] {
  if (!existsSync(report)) return ['the run did not end'];
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as VitestReport;
  return testResults.flatMap(({ name, status, assertionResults }) => {
    const failed = assertionResults.filter((test) => test.status === 'failed').map(({ fullName }) => fullName);
    return failed.length === 0 && status === 'failed' ? [name.replace(ROOT, '')] : failed;
  });
}

function versions(): { kafka: string; node: string; cores: number } {
  const pinned = /<artifactId>kafka_2\.13<\/artifactId>\s*<version>([^<]+)</.exec(readFileSync(join(ROOT, 'pom.xml'), 'utf8'))?.[1] ?? '?';
  const kafka = process.env['KAFKA_BROKERS'] ? 'as found at KAFKA_BROKERS' : pinned;
  return { kafka, node: process.version.slice(1), cores: availableParallelism() };
}
