/** The published vectors, and input that is none, through the real process. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { CLI, cleanEnv, ended, ROOT } from '../cli/run.ts';

const FOLDER = join(ROOT, 'test', 'vectors');
/** A process of its own, on a machine that does other things too. */
const TIMEOUT_MS = 60_000;

interface Vector {
  readonly comment: string;
  readonly request: { readonly id: string; readonly op: string };
  readonly answer: Answer;
}
interface Answer {
  readonly id: string | null;
  readonly ok?: boolean;
  readonly error?: string;
}

const files = readdirSync(FOLDER);
const vectors = files.flatMap((name) => linesOf(readFileSync(join(FOLDER, name), 'utf8')).map((line) => JSON.parse(line) as Vector));

describe('countersign conform', { timeout: TIMEOUT_MS }, () => {
  it('answers every published vector as it says', async () => {
    const { answers, stderr, code } = await conform(vectors.map(({ request }) => JSON.stringify(request)).join('\n'));
    const byId = new Map(answers.map((answer) => [answer.id, answer]));
    const wrong = vectors.filter(({ answer }) => !matches(byId.get(answer.id), answer));
    expect(wrong.map(({ comment, request: { op } }) => `${op}: ${comment}`)).toEqual([]);
    expect([answers.length, stderr, code]).toEqual([vectors.length, '', 0]);
  });

  it('refuses what is no request, with its id where there is one, and goes on', async () => {
    const { answers, code } = await conform(
      Buffer.concat(HOSTILE.flatMap(([, line]) => [Buffer.from(line), Buffer.from('\n')]).concat(Buffer.from(GOOD))),
    );
    for (const [at, [what, , id]] of HOSTILE.entries())
      expect(answers[at], what).toEqual({ id, ok: false, error: expect.any(String) as string });
    expect(answers.slice(HOSTILE.length)).toEqual([{ id: 'good', ok: true, output: 'e30=' }]);
    expect(code).toBe(0);
  });

  it('says so of an operation that it has not', async () => {
    const ops = ['receipt-v5', 'toString', '__proto__', ''];
    const { answers } = await conform(ops.map((op) => JSON.stringify({ id: op, op })).join('\n'));
    expect(answers).toEqual(ops.map((id) => ({ id, unsupported: true })));
  });

  it('refuses a line longer than 16 MiB by its id, and goes on', async () => {
    const { answers } = await conform(`{"id":"long","op":"jcs","input":"${'A'.repeat(16 * 1024 * 1024)}"}\n${GOOD}`);
    expect(answers).toEqual([expect.objectContaining({ id: 'long', ok: false }), expect.objectContaining({ id: 'good', ok: true })]);
  });

  it('ignores blank lines, takes carriage returns, and needs no newline at the end', async () => {
    const { answers } = await conform(`\n \r\n${GOOD}\r\n\n${GOOD}`);
    expect(answers).toHaveLength(2);
  });

  it('ends with its input, when nothing was asked too', async () => {
    expect(await conform('')).toEqual({ answers: [], stderr: '', code: 0 });
  });

  it('takes 64 large requests from one who reads no answer before all are sent', async () => {
    const input = Buffer.from(JSON.stringify('x'.repeat(512 * 1024))).toString('base64');
    const child = spawn(process.execPath, [CLI, 'conform'], { env: cleanEnv(), stdio: ['pipe', 'pipe', 'inherit'] });
    for (let id = 0; id < 64; id++) {
      if (!child.stdin.write(`${JSON.stringify({ id: String(id), op: 'jcs', input })}\n`)) await once(child.stdin, 'drain');
    }
    child.stdin.end();
    const { stdout, code } = await ended(child);
    expect([linesOf(stdout).length, code]).toEqual([64, 0]);
  });
});

describe('the vectors', { timeout: TIMEOUT_MS }, () => {
  it('are what the script writes', () => {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-vectors-'));
    const loader = join(ROOT, 'scripts', 'register.mjs');
    execFileSync(process.execPath, ['--import', loader, join(ROOT, 'scripts', 'make-vectors.mjs'), folder], { env: cleanEnv() });
    expect(readdirSync(folder)).toEqual(files);
    for (const name of files) expect(readFileSync(join(folder, name), 'utf8'), name).toBe(readFileSync(join(FOLDER, name), 'utf8'));
    rmSync(folder, { recursive: true });
  });

  it('of each operation hold both what is to be accepted and what is to be refused', () => {
    for (const op of files.map((name) => name.replace('.jsonl', ''))) {
      const said = new Set(vectors.filter(({ request }) => request.op === op).map(({ answer }) => answer.ok));
      expect(said, op).toEqual(new Set([true, false]));
    }
    expect(new Set(vectors.map(({ request }) => request.id)).size).toBe(vectors.length);
  });
});

/** What came, and the id that the answer must have. */
const HOSTILE: readonly (readonly [what: string, line: string | Buffer, id: string | null])[] = [
  ['a line that is no JSON', 'garbage', null],
  ['a broken line with an id', '{"id":"x","op":', 'x'],
  ['an array', '["id"]', null],
  ['no id', '{"op":"jcs","input":""}', null],
  ['an id that is no string', '{"id":1,"op":"jcs","input":""}', null],
  ['no op', '{"id":"x"}', 'x'],
  ['an op that is no string', '{"id":"x","op":{}}', 'x'],
  ['a member missing', '{"id":"x","op":"jcs"}', 'x'],
  ['a member of another type', '{"id":"x","op":"jcs","input":7}', 'x'],
  ['two members of one name', '{"id":"x","op":"jcs","input":"e30=","input":"e30="}', 'x'],
  ['a lone surrogate', '{"id":"x","op":"dsse-verify","envelope":"\\ud800"}', 'x'],
  ['a number beyond a double', '{"id":"x","op":"jcs","input":"e30=","n":1e999}', 'x'],
  ['a depth beyond reason', `{"id":"x","n":${'['.repeat(100_000)}`, 'x'],
  ['invalid UTF-8', Buffer.from([...Buffer.from('{"id":"x","op":"'), 0xff, 0x22, 0x7d]), 'x'],
  ['members of Object.prototype', '{"id":"x","op":"jcs","__proto__":{"input":"e30="}}', 'x'],
];
const GOOD = '{"id":"good","op":"jcs","input":"e30="}';

async function conform(input: string | Buffer): Promise<{ answers: Answer[]; stderr: string; code: number | null }> {
  const child = spawn(process.execPath, [CLI, 'conform'], { env: cleanEnv(), stdio: 'pipe' });
  child.stdin.end(input);
  const { stdout, stderr, code } = await ended(child);
  return { answers: linesOf(stdout).map((line) => JSON.parse(line) as Answer), stderr, code };
}

/** Of a refusal only that it is one: `error` is for people. */
function matches(given: Answer | undefined, expected: Answer): boolean {
  if (given === undefined) return false;
  const { error, ...rest } = given;
  return JSON.stringify(rest) === JSON.stringify(expected) && (error !== undefined) === (expected.ok === false);
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
