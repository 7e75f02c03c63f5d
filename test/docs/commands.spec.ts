/** The documents' own commands, run as written against a started system. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { CLI, cleanEnv, ended, npmStart, ROOT, says } from '../cli/run.ts';

/** Each with its reason. */
const NOT_RUN_HERE: Record<string, string> = {
  'npm start': 'test/start runs it',
  'npm test': 'is what runs this',
  'npm run check': '.ci/run runs it',
  '.ci/run': 'runs this',
};

const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', ...markdownIn('docs'), ...markdownIn('docs/decisions')];
const commands = documents.flatMap((file) => commandsOf(file).map((command) => ({ file, command })));

describe('commands of the documents', { timeout: 60_000 }, () => {
  const work = mkdtempSync(join(tmpdir(), 'countersign-docs-'));
  const data = join(work, '.countersign');
  const system = npmStart(['--data', data, '--port', '0'], { KAFKA_BROKERS: inject('brokers').join(',') });
  const over = ended(system);
  let gateway = '';

  beforeAll(async () => {
    symlinkSync(join(ROOT, 'examples'), join(work, 'examples'));
    const said = await says(system, 'Ctrl-C ends everything');
    gateway = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0] ?? '';
  }, 120_000);
  afterAll(async () => {
    system.kill('SIGTERM');
    await over;
    rmSync(work, { recursive: true });
  });

  it('are there', () => {
    expect(commands.length).toBeGreaterThan(10);
  });

  it.each(commands.filter(({ command }) => !(command in NOT_RUN_HERE)))('$file: $command', async ({ command }) => {
    const line = command.replaceAll('npx countersign', `"${process.execPath}" "${CLI}"`).replaceAll('http://127.0.0.1:8080', gateway);
    const { code, stdout, stderr } = await ended(
      spawn('bash', ['-c', line], { cwd: work, env: cleanEnv(), stdio: ['ignore', 'pipe', 'pipe'] }),
    );
    expect({ code, stderr }).toMatchObject({ code: 0 });
    if (command.startsWith('curl')) expect(stdout).toContain('ALLOW');
  });
});

/** One command a line, in blocks marked sh; what follows ` # ` is for the reader. */
function commandsOf(file: string): string[] {
  const blocks = readFileSync(join(ROOT, file), 'utf8').matchAll(/^```sh\n(.*?)^```$/gms);
  return [...blocks]
    .flatMap(([, text = '']) => text.split('\n').map((line) => line.replace(/\s+#\s.*$/, '').trim()))
    .filter((line) => line !== '');
}

function markdownIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`);
}
