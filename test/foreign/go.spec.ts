/** Receipts, checkpoints and growth of the golden ledgers, verified by what Go's own checksum database and Certificate Transparency use. */
import { join } from 'node:path';

import { beforeAll, describe, expect, it } from 'vitest';

import { base64, consistencyProof } from '#domain';

import { changed, forgeries, goldenLogs, sizeOfNote } from './golden.ts';
import { ask, goProgram, PREPARE_MAX_MS, type Tool } from './toolchains.ts';

const TIMEOUT_MS = 60_000;
type Answer = Readonly<Record<string, string>>;

const logs = goldenLogs();

describe('Go libraries', { timeout: TIMEOUT_MS }, () => {
  let go: Tool;
  beforeAll(async () => {
    go = await goProgram(join(import.meta.dirname, 'go'));
  }, PREPARE_MAX_MS);
  const verdicts = (questions: readonly object[]): Promise<Answer[]> => ask<Answer>(go, questions);

  it('accept every receipt', async ({ skip }) => {
    if ('missing' in go) skip(go.missing);
    const answers = await verdicts(
      logs.flatMap(({ verifier, receipts }) => receipts.map((file, at) => receiptOf(verifier.vkey, file, at))),
    );
    expect(answers.length).toBeGreaterThan(50);
    for (const { id, ...libraries } of answers) expect(libraries, id).toEqual({ note: '', formats: '', merkle: '', tlog: '' });
  });

  it('refuse every forged receipt', async ({ skip }) => {
    if ('missing' in go) skip(go.missing);
    const forged = logs.flatMap(({ verifier, receipts }) =>
      receipts.flatMap((receipt) => forgeries(receipt).map(([what, file], at) => ({ what, question: receiptOf(verifier.vkey, file, at) }))),
    );
    const answers = await verdicts(forged.map(({ question }) => question));
    expect(answers).toHaveLength(forged.length);
    for (const [at, { what }] of forged.entries()) {
      const { note, formats, merkle, tlog } = answers[at] ?? {};
      const isSigned = ['entry', 'index', 'hash'].includes(what); // what else the checkpoint's signature covers
      for (const refusal of isSigned ? [merkle, tlog] : [note, formats]) expect(refusal, `${what} of ${at}`).not.toBe('');
    }
  });

  it('accept every checkpoint, and none under the key of another log', async ({ skip }) => {
    if ('missing' in go) skip(go.missing);
    const all = logs.flatMap(({ verifier, checkpoints }) => checkpoints.map((note) => ({ verifier, note })));
    const under = (vkeyOf: (own: string) => string) =>
      verdicts(all.map(({ verifier, note }) => ({ kind: 'checkpoint', vkey: vkeyOf(verifier.vkey), checkpoint: b64(note) })));
    for (const answer of await under((own) => own)) expect(answer).toMatchObject({ note: '', formats: '' });
    const other = (own: string): string => logs.find(({ verifier }) => verifier.vkey !== own)?.verifier.vkey ?? '';
    for (const { note, formats } of await under(other)) expect([note, formats]).not.toContain('');
  });

  it('accept that each log only grew between any two of its checkpoints, and no forged proof of it', async ({ skip }) => {
    if ('missing' in go) skip(go.missing);
    // Of each pair of checkpoints: those of a long ledger would be ten thousand.
    const pairs = goldenLogs(['v1']).flatMap(({ verifier: { vkey }, checkpoints, tree }) =>
      checkpoints.flatMap((next, at) =>
        checkpoints.slice(0, at).map((old) => {
          const proof = consistencyProof(tree.leafHashes, sizeOfNote(old), sizeOfNote(next)).map(base64);
          return { kind: 'consistency', vkey, checkpoint: b64(next), old: b64(old), proof };
        }),
      ),
    );
    for (const answer of await verdicts(pairs)) expect(answer).toMatchObject({ note: '', formats: '', merkle: '', tlog: '' });
    const forged = pairs.flatMap((pair) =>
      pair.proof.map((_, at) => ({ ...pair, proof: pair.proof.with(at, changed(pair.proof[at] ?? '', 9)) })),
    );
    expect(forged.length).toBeGreaterThan(pairs.length);
    for (const { merkle, tlog } of await verdicts(forged)) expect([merkle, tlog]).not.toContain('');
  });
});

const receiptOf = (vkey: string, file: string, at: number) => ({ id: String(at), kind: 'receipt', vkey, file });
const b64 = (text: string): string => Buffer.from(text).toString('base64');
