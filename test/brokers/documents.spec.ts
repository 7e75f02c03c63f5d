/** The documents' own commands, run as written against a started system. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { blocksOf, runScript } from '../cli/documents.ts';
import { ended, npmStart, ROOT, says } from '../cli/run.ts';

const documents = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  ...markdownIn('docs'),
  ...markdownIn('docs/classes'),
  ...markdownIn('docs/decisions'),
];
/** Of the checkout, which the commands read. */
const OURS = ['examples', 'policies'];
const blocks = documents.flatMap((file) => blocksOf(file));

describe('commands of the documents', { timeout: 60_000 }, () => {
  const work = mkdtempSync(join(tmpdir(), 'countersign-docs-'));
  const data = join(work, '.countersign');
  const system = npmStart(['--data', data, '--port', '0'], {});
  const over = ended(system);
  let gateway = '';

  beforeAll(async () => {
    for (const folder of OURS) symlinkSync(join(ROOT, folder), join(work, folder));
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
    const here = script.replaceAll('http://127.0.0.1:8080', gateway).replaceAll('curl -s', 'curl -fsS'); // an HTTP error is a failure
    expect(await runScript(here, work)).toMatchObject({ code: 0 });
  });

  it('leave nothing in a checkout that git does not ignore', () => {
    const ignored = readFileSync(join(ROOT, '.gitignore'), 'utf8').split('\n');
    const isIgnored = (name: string): boolean => [name, `/${name}`, `/${name}/`].some((line) => ignored.includes(line));
    expect(readdirSync(work).filter((name) => !OURS.includes(name) && !isIgnored(name))).toEqual([]);
  });
});

function markdownIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`);
}
