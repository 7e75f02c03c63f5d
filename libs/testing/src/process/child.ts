/** Processes of a test's own, if wanted in a namespace of process ids: as two containers have them, each of its own is process 1 there. */
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

const ROOT = new URL('../../../../', import.meta.url).pathname;
/** `--kill-child`: killing unshare ends what runs in the namespace. */
const UNSHARE = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'] as const;

/** Why no namespace can be made here; undefined where it can. Goes into the names of tests that are skipped. */
export const NO_NAMESPACES = whyNoNamespaces();

export class Child {
  readonly lines: string[] = [];
  readonly #process: ChildProcessByStdio<null, Readable, Readable>;
  readonly #ended: Promise<unknown>;
  readonly #heard = new Set<() => void>();

  private constructor(
    command: readonly string[],
    env: NodeJS.ProcessEnv,
    private readonly isolated: boolean,
  ) {
    const [file = '', ...args] = command;
    this.#process = spawn(file, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#ended = once(this.#process, 'close').then(() => {
      this.#tell();
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.lines.push(line);
        this.#tell();
      });
    }
  }

  /** Runs a file of this repository, or code that imports by paths from its root. */
  static start(
    main: { readonly file: string } | { readonly code: string },
    { isolated = false, env = {} }: { readonly isolated?: boolean; readonly env?: Readonly<Record<string, string>> } = {},
  ): Child {
    const what = 'file' in main ? [main.file] : ['--input-type=module', '--eval', main.code];
    const node = [process.execPath, '--import', './scripts/register.mjs', ...what];
    return new Child([...(isolated ? UNSHARE : []), ...node], { PATH: process.env['PATH'], ...env }, isolated);
  }

  /** undefined while it runs. */
  get ending(): number | string | undefined {
    return this.#process.signalCode ?? this.#process.exitCode ?? undefined;
  }

  /** Resolves once it has written a line that begins so, or matches; rejects when it ends without. */
  async says(wanted: string | RegExp): Promise<string> {
    const isWanted = (line: string): boolean => (typeof wanted === 'string' ? line.startsWith(wanted) : wanted.test(line));
    for (;;) {
      const line = this.lines.find(isWanted);
      if (line !== undefined) return line;
      if (this.ending !== undefined && this.#process.stdout.readableEnded && this.#process.stderr.readableEnded)
        throw new Error(`ended with ${this.ending} before it said "${String(wanted)}":\n${this.lines.join('\n')}`);
      await new Promise<void>((resolve) => this.#heard.add(resolve));
    }
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.signal(signal);
    await this.#ended;
  }

  /** In a namespace: to process 1 there, which unshare waits for. */
  signal(signal: NodeJS.Signals): void {
    const { pid } = this.#process;
    const [inner] = this.isolated && pid !== undefined ? childrenOf(pid) : [];
    if (inner === undefined) this.#process.kill(signal);
    else process.kill(inner, signal);
  }

  /** Resolves with its exit code, or the signal that ended it. */
  async end(): Promise<number | string | undefined> {
    await this.#ended;
    return this.ending;
  }

  #tell(): void {
    for (const resolve of this.#heard) resolve();
    this.#heard.clear();
  }
}

/** None when it has ended. Linux only. */
function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function whyNoNamespaces(): string | undefined {
  const [file, ...args] = UNSHARE;
  const { status, error, stderr } = spawnSync(file, [...args, 'true'], { encoding: 'utf8' });
  if (status === 0) return undefined;
  return `no namespace of process ids can be made here: ${error ? error.message : stderr.trim()}`;
}
