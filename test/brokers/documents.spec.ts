/** The documents' own commands, run as written against a started system. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { CLI, cleanEnv, ended, npmStart, ROOT, says } from '../cli/run.ts';

/** Each with its reason. */
const NOT_RUN_HERE: Record<string, string> = {
  'npm start': 'test/start runs it',
  'npm test': 'is what runs this',
  'npm run bench': 'takes minutes',
  'npm run test:faults': 'takes half an hour',
  'npm run test:fuzz': 'takes half an hour',
  'npm run check': '.ci/run runs it',
  '.ci/run': 'runs this',
};

const documents = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  ...markdownIn('docs'),
  ...markdownIn('docs/classes'),
  ...markdownIn('docs/decisions'),
];
const blocks = documents.flatMap((file) => blocksOf(file));

describe('commands of the documents', { timeout: 60_000 }, () => {
  const work = mkdtempSync(join(tmpdir(), 'countersign-docs-'));
  const data = join(work, '.countersign');
  const system = npmStart(['--data', data, '--port', '0'], {});
  const over = ended(system);
  let gateway = '';

  beforeAll(async () => {
    for (const folder of ['examples', 'policies']) symlinkSync(join(ROOT, folder), join(work, folder));
    const said = await says(system, 'Ctrl-C ends everything');
    gateway = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0] ?? '';
  }, 120_000);
  afterAll(async () => {
    system.kill('SIGTERM');
    await over;
    rmSync(work, { recursive: true });
  });

  it('are there', () => {
    expect(blocks.length).toBeGreaterThan(5);
  });

  it.each(blocks)('$file line $line: $first', async ({ script }) => {
    const command = script
      .replaceAll('npx countersign', `"${process.execPath}" "${CLI}"`)
      .replaceAll('http://127.0.0.1:8080', gateway)
      .replaceAll('curl -s', 'curl -fsS'); // an HTTP error is a failure
    const bash = spawn('bash', ['-e', '-o', 'pipefail', '-c', command], { cwd: work, env: cleanEnv(), stdio: ['ignore', 'pipe', 'pipe'] });
    expect(await ended(bash)).toMatchObject({ code: 0 });
  });
});

interface Block {
  readonly file: string;
  readonly line: number;
  readonly first: string;
  readonly script: string;
}

/** Blocks marked sh, each one script, without the lines that run elsewhere. */
function blocksOf(file: string): Block[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(({ index, 1: body = '' }) => {
    const lines = body.split('\n').filter((each) => each.trim() !== '' && !(withoutComment(each) in NOT_RUN_HERE));
    const line = text.slice(0, index).split('\n').length;
    return lines.length === 0 ? [] : [{ file, line, first: lines[0] ?? '', script: lines.join('\n') }];
  });
}

function withoutComment(line: string): string {
  return line.replace(/\s+#\s.*$/, '').trim();
}

function markdownIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`);
}
