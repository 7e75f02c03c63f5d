import { execFile } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { afterEach, describe, expect, it } from 'vitest';

import { cleanEnv, ROOT } from '../cli/run.ts';

const run = promisify(execFile);
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A checkout with our scripts, which installs without a network: its two packages are folders, and the one that brings Node runs this one. */
function checkout(): string {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-bootstrap-'));
  folders.push(folder);
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
  const write = (name: string, content: unknown): void => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  };
  cpSync(join(ROOT, 'scripts', 'bootstrap.mjs'), join(folder, 'scripts', 'bootstrap.mjs'));
  const wanted = { dependencies: { node: 'file:pkgs/node' }, devDependencies: { tool: 'file:pkgs/tool' } };
  const bin = { node: 'node.sh' };
  write('package.json', { name: 'mini', version: '1.0.0', private: true, type: 'module', scripts, ...wanted });
  write('pkgs/node/package.json', { name: 'node', version: '24.0.0', bin });
  write('pkgs/node/node.sh', `#!/bin/sh\nexec '${process.execPath}' "$@"\n`);
  chmodSync(join(folder, 'pkgs', 'node', 'node.sh'), 0o755);
  write('pkgs/tool/package.json', { name: 'tool', version: '1.0.0' });
  write('package-lock.json', {
    ...{ name: 'mini', version: '1.0.0', lockfileVersion: 3, requires: true },
    packages: {
      '': { name: 'mini', version: '1.0.0', ...wanted },
      'node_modules/node': { resolved: 'pkgs/node', link: true },
      'node_modules/tool': { resolved: 'pkgs/tool', link: true },
      'pkgs/node': { version: '24.0.0', bin },
      'pkgs/tool': { version: '1.0.0', dev: true },
    },
  });
  return folder;
}

const npmCi = (folder: string, ...more: string[]) =>
  run('npm', ['ci', '--offline', '--no-audit', '--no-fund', ...more], { cwd: folder, env: cleanEnv() });
/** What the start of any of our commands says before it does anything. */
const bootstrap = async (folder: string): Promise<string> =>
  (await run(process.execPath, [join(folder, 'scripts', 'bootstrap.mjs')], { cwd: folder, env: cleanEnv({ npm_config_offline: 'true' }) }))
    .stderr;
const INSTALLS = 'Installing dependencies';

describe('the first command of ours', () => {
  it('installs nothing after a plain npm ci', async () => {
    const folder = checkout();
    await npmCi(folder);
    expect(await bootstrap(folder)).toBe('');
  });

  it.each(['--ignore-scripts', '--omit=dev'])('installs again what npm ci %s left out', async (option) => {
    const folder = checkout();
    await npmCi(folder, option);
    expect(await bootstrap(folder)).toContain(INSTALLS);
    expect(await bootstrap(folder)).toBe('');
  });

  it('installs again when package-lock.json has changed since', async () => {
    const folder = checkout();
    await npmCi(folder);
    const lock = join(folder, 'package-lock.json');
    writeFileSync(lock, `${readFileSync(lock, 'utf8')}\n`);
    expect(await bootstrap(folder)).toContain(INSTALLS);
  });
});
