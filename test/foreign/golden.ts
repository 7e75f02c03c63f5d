/** The golden ledgers, log by log, as strangers get them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { CheckedReceipt } from '#adapters';
import { base64, fromUtf8, LogKeys, parseCheckpoint, parseNote, parseProof, parseTrust, type Verifier } from '#domain';
import { Parties, readGolden, WRITTEN } from '#testing';

import { type ExportedTree, treeOf } from '../../apps/cli/src/exported-tree.ts';
import { ROOT } from '../cli/run.ts';

export interface GoldenLog {
  readonly version: string;
  readonly tenant: string;
  readonly verifier: Verifier;
  /** The ledger's seed, the first or the next, of which the log's key is derived, as its story draws it. */
  readonly seed: Uint8Array;
  /** .tlog-proof files, by index. */
  readonly receipts: readonly string[];
  /** Signed notes, oldest first. */
  readonly checkpoints: readonly string[];
  readonly tree: ExportedTree;
  readonly records: readonly CheckedReceipt[];
}

export function goldenLogs(versions: readonly string[] = WRITTEN): GoldenLog[] {
  return versions.flatMap(logsOf);
}

function logsOf(version: string): GoldenLog[] {
  const folder = join(ROOT, 'test', 'golden', version);
  const golden = readGolden(folder);
  const parties = new Parties(`golden ${version}`, 1);
  // A log that was closed, and the one that goes on, have a trust file each.
  return readdirSync(folder)
    .filter((name) => name.startsWith('trust-'))
    .map((name) => {
      const { log: verifier } = parseTrust(readFileSync(join(folder, name), 'utf8'));
      const own = golden.receipts.filter(({ proof }) => parseProof(proof).checkpoint.startsWith(`${verifier.name}\n`));
      const { tenant = '' } = own[0] ?? {};
      const records = own.map(
        ({ proof }, leafIndex) => ({ record: { tenant, origin: verifier.name, leafIndex, proof } }) as CheckedReceipt,
      );
      const checkpoints = golden.heads.filter(({ origin }) => origin === verifier.name).map(({ checkpoint }) => fromUtf8(checkpoint));
      const receipts = own.map(({ proof }) => fromUtf8(proof));
      const seed = parties.ledgerSeeds.find((each) => new LogKeys(parties.ledger, each).vkey(verifier.name) === verifier.vkey);
      if (!seed) throw new Error(`${name}: none of the story's seeds leads to its key`);
      return { version, tenant, verifier, seed, receipts, checkpoints, tree: treeOf(records, tenant), records };
    });
}

export const sizeOfNote = (note: string): number => Number(parseCheckpoint(parseNote(Buffer.from(note)).text).size);

/** Every way a receipt is forged here: what was changed → the file. Each changes one character, or the index. */
export function forgeries(receipt: string): [what: string, file: string][] {
  const { index, proof, checkpoint } = parseProof(Buffer.from(receipt));
  const { signatures, text } = parseNote(Buffer.from(checkpoint));
  const entry = /^extra (.*)$/m.exec(receipt)?.[1] ?? '';
  const all: [string, string, string][] = [
    ['entry', entry, changed(entry, 20)],
    ['index', `\nindex ${index}\n`, `\nindex ${index + 1n}\n`],
    ['root', text.split('\n')[2] ?? '', changed(text.split('\n')[2] ?? '', 5)],
    ['size', `\n${text.split('\n')[1] ?? ''}\n`, `\n${Number(text.split('\n')[1]) + 1}\n`],
    ...signatures.map(({ line }): [string, string, string] => ['signature', line, changed(line, line.length - 20)]),
    ...proof.map((hash): [string, string, string] => ['hash', base64(hash), changed(base64(hash), 5)]),
  ];
  return all.map(([what, from, to]) => [what, receipt.replace(from, () => to)]);
}

/** One base64 character replaced by another. */
export function changed(text: string, at: number): string {
  return `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
}
