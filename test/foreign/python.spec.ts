/** DSSE envelopes and canonical JSON, verified by the libraries that in-toto, TUF and PyPI use. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, describe, expect, it } from 'vitest';

import { base64, hex } from '#domain';

import { dsseOf } from '../../apps/cli/src/dsse.ts';
import { ROOT } from '../cli/run.ts';
import { changed, goldenLogs } from './golden.ts';
import { ask, PREPARE_MAX_MS, pythonProgram, type Tool } from './toolchains.ts';

const logs = goldenLogs();

interface Envelope {
  readonly payload: string;
  readonly payloadType: string;
  readonly signatures: readonly [{ readonly keyid: string; readonly sig: string }];
}

describe('Python libraries', { timeout: 60_000 }, () => {
  let python: Tool;
  beforeAll(async () => {
    python = await pythonProgram(join(import.meta.dirname, 'python'));
  }, PREPARE_MAX_MS);

  const envelopes = logs.flatMap(({ records, verifier, seed, tree }) =>
    records.map((receipt, at) => {
      const envelope = dsseOf(seed, receipt);
      const [{ keyid }] = (JSON.parse(envelope) as Envelope).signatures;
      return {
        id: keyid,
        kind: 'dsse',
        envelope,
        keyid,
        publicKey: hex(verifier.publicKey),
        payload: base64(tree.entries[at] ?? new Uint8Array(0)),
      };
    }),
  );

  it('accept every entry as a DSSE envelope (securesystemslib)', async ({ skip }) => {
    if ('missing' in python) skip(python.missing);
    const answers = await ask<{ securesystemslib: string }>(python, envelopes);
    expect(answers.map(({ securesystemslib }) => securesystemslib)).toEqual(envelopes.map(() => ''));
  });

  it('refuse every envelope with another type, payload or signature (securesystemslib)', async ({ skip }) => {
    if ('missing' in python) skip(python.missing);
    const forged = envelopes.flatMap((question) => {
      const whole = JSON.parse(question.envelope) as Envelope;
      const [{ keyid, sig }] = whole.signatures;
      const payload = changed(whole.payload, 30);
      return [
        { ...question, envelope: JSON.stringify({ ...whole, payloadType: 'application/json' }) },
        { ...question, envelope: JSON.stringify({ ...whole, payload }), payload },
        { ...question, envelope: JSON.stringify({ ...whole, signatures: [{ keyid, sig: changed(sig, 30) }] }) },
      ];
    });
    const answers = await ask<{ securesystemslib: string }>(python, forged);
    expect(answers.filter(({ securesystemslib }) => !securesystemslib.startsWith('VerificationError'))).toEqual([]);
    expect(answers).toHaveLength(forged.length);
  });

  it('write every entry, and every vector of ours, in the same canonical form (rfc8785)', async ({ skip }) => {
    if ('missing' in python) skip(python.missing);
    const entries = logs.flatMap(({ tree }) => tree.entries.map(base64)).map((input) => ({ id: input, input, output: input }));
    const questions = [...entries, ...vectors()].map((each) => ({ kind: 'jcs', ...each }));
    const answers = await ask<{ id: string; rfc8785: string }>(python, questions);
    expect(answers.filter(({ rfc8785 }) => rfc8785 !== '')).toEqual([]);
    expect(answers).toHaveLength(questions.length);
  });
});

/** Those of test/vectors that have a canonical form. */
function vectors(): { id: string; input: string; output: string }[] {
  interface Vector {
    readonly request: { readonly id: string; readonly input: string };
    readonly answer: { readonly output?: string };
  }
  const lines = readFileSync(join(ROOT, 'test', 'vectors', 'jcs.jsonl'), 'utf8')
    .trimEnd()
    .split('\n');
  return lines
    .map((line) => JSON.parse(line) as Vector)
    .flatMap(({ request: { id, input }, answer: { output } }) => (output === undefined ? [] : [{ id, input, output }]));
}
