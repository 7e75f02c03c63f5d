import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export const ROOT = join(import.meta.dirname, '..', '..');
export const CLI = join(ROOT, 'bin', 'countersign.mjs');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Without what this test run has: a user's shell. */
export function cleanEnv(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(KAFKA_|COUNTERSIGN_|VITEST|NODE_ENV$|LOG_LEVEL$|npm_|INIT_CWD$)/.test(name),
  );
  return { ...Object.fromEntries(kept), ...more };
}

/** `npx countersign ...` in `cwd`. */
export function countersign(args: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<Ended> {
  return ended(spawn(process.execPath, [CLI, ...args], { cwd, env: cleanEnv(env), stdio: ['ignore', 'pipe', 'pipe'] }));
}

/** The process that `npm start` becomes. */
export function npmStart(args: readonly string[], env: Record<string, string>): ChildProcess {
  const loader = pathToFileURL(join(ROOT, 'scripts', 'register.mjs')).href;
  return spawn(process.execPath, ['--import', loader, join(ROOT, 'apps', 'all', 'src', 'main.ts'), ...args], {
    cwd: ROOT,
    env: cleanEnv(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export function ended(child: ChildProcess): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ code, stdout, stderr });
    });
  });
}

/** Resolves with everything said so far once `text` is in it; rejects when the process ends before. */
export function says(child: ChildProcess, text: string): Promise<string> {
  let said = '';
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes(text)) resolve(said);
    });
    child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.on('close', (code) => {
      reject(new Error(`ended with ${String(code)} before it said "${text}":\n${said}`));
    });
  });
}
