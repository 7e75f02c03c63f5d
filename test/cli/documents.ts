/** The commands that a document shows: its blocks marked sh, each one script. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { CLI, cleanEnv, ended, type Ended, ROOT } from './run.ts';

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

export interface Block {
  readonly file: string;
  readonly line: number;
  readonly first: string;
  readonly script: string;
}

/** Without the lines that run elsewhere. */
export function blocksOf(file: string): Block[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(({ index, 1: body = '' }) => {
    const lines = body.split('\n').filter((each) => each.trim() !== '' && !(withoutComment(each) in NOT_RUN_HERE));
    const line = text.slice(0, index).split('\n').length;
    return lines.length === 0 ? [] : [{ file, line, first: lines[0] ?? '', script: lines.join('\n') }];
  });
}

export function runScript(script: string, cwd: string, env: Record<string, string> = {}): Promise<Ended> {
  const command = script.replaceAll('npx countersign', `"${process.execPath}" "${CLI}"`);
  return ended(spawn('bash', ['-e', '-o', 'pipefail', '-c', command], { cwd, env: cleanEnv(env), stdio: ['ignore', 'pipe', 'pipe'] }));
}

function withoutComment(line: string): string {
  return line.replace(/\s+#\s.*$/, '').trim();
}
