/** A lane's topics as files, so that every later version can be asked to read what an earlier one wrote. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { base64, formatTrust, fromBase64, type LedgerBirth } from '#domain';

import { attest, type Attested, type LaneTopics } from '../lane/lane-topics.ts';
import type { MemoryLane } from '../lane/memory-lane.ts';

/** File name → text. Bytes are base64 in lines of JSON, in the order of their topic. */
export function goldenFiles(lane: MemoryLane): Map<string, string> {
  const { receipts, heads } = attest(lane, lane.parties.keys);
  const keyed = (of: ReadonlyMap<string, Uint8Array>): string => lines([...of].map(([key, value]) => ({ key, value: base64(value) })));
  const files = new Map([
    ['birth.json', `${JSON.stringify({ lane: lane.lane, birth: encodeBirth(lane.birth) }, null, 2)}\n`],
    ['ledger.jsonl', lines(lane.ledger.map((value) => ({ value: base64(value) })))],
    ['input-keys.jsonl', keyed(lane.inputKeys)],
    ['dead-letters.jsonl', keyed(lane.deadLetters)],
    ['receipts.jsonl', lines(receipts.map(({ tenant, proof }) => ({ tenant, proof: base64(proof) })))],
    ['checkpoints.jsonl', lines(heads.map(({ origin, checkpoint }) => ({ origin, checkpoint: base64(checkpoint) })))],
  ]);
  const { trees, closed } = lane.state.heads;
  for (const { tenant, vkey } of trees.values()) files.set(`trust-${tenant}.txt`, formatTrust(vkey));
  for (const [at, { tenant, vkey }] of [...closed.values()].entries()) files.set(`trust-${tenant}-closed-${at}.txt`, formatTrust(vkey));
  return files;
}

export function readGolden(folder: string): LaneTopics & Attested {
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  const parsed = <T>(name: string): T[] =>
    read(name)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as T);
  const keyed = (name: string): Map<string, Uint8Array> =>
    new Map(parsed<{ key: string; value: string }>(name).map(({ key, value }) => [key, fromBase64(value)]));
  const { lane, birth } = JSON.parse(read('birth.json')) as { lane: number; birth: EncodedBirth };
  return {
    lane,
    birth: decodeBirth(birth),
    ledger: parsed<{ value: string }>('ledger.jsonl').map(({ value }) => fromBase64(value)),
    inputKeys: keyed('input-keys.jsonl'),
    deadLetters: keyed('dead-letters.jsonl'),
    receipts: parsed<{ tenant: string; proof: string }>('receipts.jsonl').map(({ tenant, proof }) => ({
      tenant,
      proof: fromBase64(proof),
    })),
    heads: parsed<{ origin: string; checkpoint: string }>('checkpoints.jsonl').map(({ origin, checkpoint }) => ({
      origin,
      checkpoint: fromBase64(checkpoint),
    })),
  };
}

/** Writes a folder once. Golden files are history: they are never made again. */
export function writeGolden(folder: string, files: ReadonlyMap<string, string>): void {
  if (existsSync(folder)) throw new Error(`${folder} exists: golden files are never written again; another story gets another folder`);
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of files) writeFileSync(join(folder, name), text, { flag: 'wx' });
}

type Party = LedgerBirth['admin'];
interface EncodedParty {
  readonly keyid: string;
  readonly publicKey: string;
}
type EncodedBirth = Omit<LedgerBirth, 'admin' | 'gateway' | 'recovery' | 'deciderKeys' | 'rules'> & {
  /** Absent: 1. */
  readonly rules?: LedgerBirth['rules'];
  readonly admin: EncodedParty;
  readonly gateway: EncodedParty;
  readonly recovery?: EncodedParty;
  readonly deciderKeys: readonly EncodedParty[];
};

const encodeParty = ({ keyid, publicKey }: Party): EncodedParty => ({ keyid, publicKey: base64(publicKey) });
const decodeParty = ({ keyid, publicKey }: EncodedParty): Party => ({ keyid, publicKey: fromBase64(publicKey) });
const encodeBirth = ({ rules, recovery, ...birth }: LedgerBirth): EncodedBirth => ({
  ...(rules === 1 ? {} : { rules }),
  ...birth,
  admin: encodeParty(birth.admin),
  gateway: encodeParty(birth.gateway),
  ...(recovery ? { recovery: encodeParty(recovery) } : {}),
  deciderKeys: birth.deciderKeys.map(encodeParty),
});
const decodeBirth = ({ recovery, ...birth }: EncodedBirth): LedgerBirth => ({
  ...birth,
  rules: birth.rules ?? 1,
  admin: decodeParty(birth.admin),
  gateway: decodeParty(birth.gateway),
  ...(recovery ? { recovery: decodeParty(recovery) } : {}),
  deciderKeys: birth.deciderKeys.map(decodeParty),
});
const lines = (records: readonly object[]): string => records.map((record) => `${JSON.stringify(record)}\n`).join('');
