/** Toolchains that may be there or not: each either ready, or missing with a reason that the skipped test reports. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { sha256Hex } from '#crypto';

export type Tool = { readonly command: readonly string[] } | { readonly missing: string };

/** What is kept for the next run; it may go at any time. */
const CACHE = join(process.env['XDG_CACHE_HOME'] ?? tmpdir(), 'countersign-foreign');

/** Unit ms. Fetching and compiling everything for the first time took 92 s on two busy cores; later builds take a few. */
export const PREPARE_MAX_MS = 300_000;

/** The Go program in `folder`, built. Modules are fetched when they are not in Go's own cache; go.sum pins their content. */
export async function goProgram(folder: string): Promise<Tool> {
  mkdirSync(CACHE, { recursive: true });
  const binary = join(CACHE, `go-${basename(folder)}`);
  const at = { cwd: folder, env: { ...process.env, GOFLAGS: '-mod=readonly', GOTOOLCHAIN: 'local', CGO_ENABLED: '0' } };
  const fetched = await run(['go', 'mod', 'download'], at);
  if (fetched.code !== 0) return { missing: `go mod download: ${fetched.text}` };
  const built = await run(['go', 'build', '-o', binary, '.'], at);
  if (built.code !== 0) throw new Error(`go build: ${built.text}`); // the program is ours: no reason to skip
  return { command: [binary] };
}

/** Python with the pinned packages of `folder`/requirements.txt, in a virtual environment that is kept for the next run. */
export async function pythonProgram(folder: string): Promise<Tool> {
  const requirements = join(folder, 'requirements.txt');
  const kept = join(CACHE, `python-${sha256Hex(readFileSync(requirements)).slice(0, 16)}`);
  if (!existsSync(kept)) {
    mkdirSync(CACHE, { recursive: true });
    const made = mkdtempSync(join(CACHE, 'new-'));
    for (const step of [
      ['python3', '-m', 'venv', made],
      [
        join(made, 'bin', 'python'),
        '-m',
        'pip',
        'install',
        '-q',
        '--retries',
        '0',
        '--timeout',
        '30',
        '--only-binary',
        ':all:',
        '-r',
        requirements,
      ],
    ]) {
      const { code, text } = await run(step);
      if (code === 0) continue;
      rmSync(made, { recursive: true });
      return { missing: `${step.slice(0, 4).join(' ')}: ${text}` };
    }
    renameSync(made, kept); // whole or not there; python finds its packages by where it is started
  }
  return { command: [join(kept, 'bin', 'python'), join(folder, 'verify.py')] };
}

/** Answers of a program that reads and writes JSON lines. */
export async function ask<Answer>(tool: Tool, questions: readonly object[], args: readonly string[] = []): Promise<Answer[]> {
  if ('missing' in tool) throw new Error(tool.missing);
  const { code, stdout, text } = await run([...tool.command, ...args], {}, questions.map((each) => `${JSON.stringify(each)}\n`).join(''));
  if (code !== 0) throw new Error(`ended with ${String(code)}: ${text}`);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer);
}

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  /** What it said on stderr, or why it could not be started: in one line. */
  readonly text: string;
}

function run([command = '', ...args]: readonly string[], at: { cwd?: string; env?: NodeJS.ProcessEnv } = {}, input = ''): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...at, timeout: PREPARE_MAX_MS });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdin.on('error', () => undefined); // it ended before it read all: its exit code says so
    child.on('error', ({ message }) => {
      resolve({ code: null, stdout, text: message });
    });
    child.on('close', (code) => {
      resolve({
        code,
        stdout,
        text: stderr
          .trim()
          .replaceAll(/\s*\n\s*/g, '; ')
          .slice(-500),
      });
    });
    child.stdin.end(input);
  });
}
