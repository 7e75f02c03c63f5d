import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Command } from 'commander';

import type { CheckedReceipt, Home } from '#adapters';
import { ed25519PublicKey } from '#crypto';
import { formatVkey, parseProof, signDsse, tenantSeed } from '#domain';

import { Context } from '../context.ts';
import { CliError, INVALID } from '../errors.ts';
import { group } from '../group.ts';
import { laneOfTree, receiptsOf } from '../tree.ts';

interface Options {
  readonly tenant: string;
  readonly index: string;
  readonly out: string;
}

export function register(program: Command): void {
  group(program, 'export', 'write what others verify')
    .command('receipt')
    .description('write <index>.tlog-proof, <index>.entry.json (the exact bytes) and, where the ledger seed is, <index>.dsse.json')
    .requiredOption('--tenant <id>', 'tenant, or _system.<lane>')
    .requiredOption('--index <n>', 'of the entry in its tree')
    .requiredOption('--out <dir>', 'folder, made when missing')
    .action(async (options: Options, command: Command) => {
      await exportReceipt(new Context(command), options);
    });
}

async function exportReceipt(context: Context, { tenant, index, out }: Options): Promise<void> {
  const { home } = context;
  const receipts = await receiptsOf(home, context.brokers, laneOfTree(home, tenant));
  await receipts.close();
  const found = receipts.all.find(({ record }) => record.tenant === tenant && String(record.leafIndex) === index);
  if (!found)
    throw new CliError(`no receipt for index ${index} of ${tenant}: countersign log --tenant ${tenant} lists its entries`, INVALID);
  const entry = parseProof(found.record.proof).entry;
  if (!entry) throw new CliError(`the receipt of ${tenant} ${index} carries no entry`, INVALID);
  mkdirSync(out, { recursive: true });
  const files = [write(out, `${index}.tlog-proof`, found.record.proof), write(out, `${index}.entry.json`, entry)];
  const dsse = dsseOf(home, found, entry);
  if (dsse === undefined) context.note('no DSSE envelope: it is signed where the ledger seed is (keys/ledger.seed)');
  else files.push(write(out, `${index}.dsse.json`, dsse));
  context.print(files.join('\n'), { files, dsse: dsse !== undefined });
}

/** The entry again as a DSSE envelope, by the log's own key. */
function dsseOf(home: Home, { record }: CheckedReceipt, entry: Uint8Array): string | undefined {
  if (!home.hasKey('ledger')) return undefined;
  const seed = tenantSeed(home.key('ledger'), record.origin);
  const [name = '', keyId = ''] = formatVkey(record.origin, ed25519PublicKey(seed)).split('+');
  return signDsse({ payloadType: 'application/vnd.in-toto+json', payload: entry, keyid: `${name}+${keyId}`, seed });
}

function write(folder: string, name: string, content: string | Uint8Array): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}
