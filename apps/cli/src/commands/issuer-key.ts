import type { Command } from 'commander';

import { addIssuerKey, publicKeyOf, revokeIssuerKey } from '#adapters';

import { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import { enter } from '../every-lane.ts';
import { group } from '../group.ts';
import { publicKeyFrom } from '../public-keys.ts';
import { tenantOnly } from '../tenant.ts';

interface AddOptions {
  readonly tenant: string;
  readonly publicKey?: string;
}

/** `issuer key …`: the keys of a party that is registered. */
export function registerKeys(issuer: Command): void {
  const key = group(issuer, 'key', 'add a key to a party, or revoke one of its keys; the others go on');
  key
    .command('add')
    .description('one more key for a party, beside those that it has')
    .argument('<id>', 'of the party')
    .requiredOption('--tenant <id>', 'for which tenant', tenantOnly)
    .option('--public-key <base64>', '32 bytes, Ed25519; absent: a key is drawn into the data folder (keys/<id>.next.key)')
    .action(async (id: string, options: AddOptions, command: Command) => {
      await add(new Context(command), id, options);
    });
  key
    .command('revoke')
    .description('nothing that this key signed is admitted, and no evidence of it counts, from this entry on')
    .argument('<id>', 'of the party')
    .requiredOption('--tenant <id>', 'for which tenant', tenantOnly)
    .requiredOption('--keyid <hex>', 'of the key, as issuer add and issuer key add printed it')
    .action(async (id: string, { tenant, keyid }: { tenant: string; keyid: string }, command: Command) => {
      if (!/^[0-9a-f]{32}$/.test(keyid)) throw new CliError(`--keyid: expected 32 hex digits, got ${keyid}`);
      const context = new Context(command);
      await enter(context, [revokeIssuerKey(context.home, tenant, id, keyid)]);
      context.print(`issuer ${id} of ${tenant}: key ${keyid} revoked, its other keys go on`, { tenant, issuer: id, keyid, revoked: true });
    });
}

async function add(context: Context, id: string, { tenant, publicKey }: AddOptions): Promise<void> {
  const given = publicKey === undefined ? undefined : publicKeyFrom(publicKey);
  const { home } = context;
  const added = given ?? publicKeyOf(home.createKey(`${id}.next`));
  const { keyid } = added;
  await enter(context, [addIssuerKey(home, tenant, id, added)]);
  const where = given ? '' : `, in ${home.folder}/keys/${id}.next.key: let the party sign with it, then revoke the old one`;
  context.print(`issuer ${id} of ${tenant}: one more key ${keyid}${where}`, { tenant, issuer: id, keyid });
}
