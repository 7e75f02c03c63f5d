import type { Command } from 'commander';

import { publicKeyOf, registerIssuer, revokeIssuer } from '#adapters';
import { checkPublicKey, fromBase64, ISSUER_TYPES, keyIdOf } from '#domain';

import { Context } from '../context.ts';
import { CliError, explain } from '../errors.ts';
import { group } from '../group.ts';
import { knownTenant, laneOfTree } from '../tree.ts';

const RESERVED: readonly string[] = ['ledger', 'decider', 'admin', 'gateway'];
interface AddOptions {
  readonly tenant: string;
  readonly type: string;
  readonly publicKey?: string;
  readonly agents?: string;
}

export function register(program: Command): void {
  const issuer = group(program, 'issuer', "parties whose signatures a tenant's log admits");
  issuer
    .command('add')
    .description('register a party: its own public key, or a key drawn here (keys/<id>.key)')
    .argument('<id>', 'of the party')
    .requiredOption('--tenant <id>', 'for which tenant')
    .requiredOption('--type <type>', 'platform (proposes), executor, or one that signs evidence: ci, reviewer, directory, incident-desk')
    .option('--public-key <base64>', '32 bytes, Ed25519; absent: a key is drawn into the data folder')
    .option('--agents <ids>', 'a,b,...: the only actors it may speak for')
    .action(async (id: string, options: AddOptions, command: Command) => {
      await add(new Context(command), id, options);
    });
  issuer
    .command('revoke')
    .description('nothing that it signs is admitted from this entry on')
    .argument('<id>', 'of the party')
    .requiredOption('--tenant <id>', 'for which tenant')
    .action(async (id: string, { tenant }: { tenant: string }, command: Command) => {
      const context = new Context(command);
      await context.control([laneOfTree(context.home, tenant)], (facts) => {
        knownTenant(facts, tenant);
        return [revokeIssuer(context.home, tenant, id)];
      });
      context.print(`issuer ${id} of ${tenant}: revoked`, { tenant, issuer: id, revoked: true });
    });
}

async function add(context: Context, id: string, { tenant, type: asked, publicKey, agents }: AddOptions): Promise<void> {
  const type = ISSUER_TYPES.find((each) => each === asked);
  if (!type) throw new CliError(`--type: expected ${ISSUER_TYPES.join(', ')}, got ${asked}`);
  // Their keys lie in keys/ too, and must sign nothing but what they are for.
  if (RESERVED.includes(id)) throw new CliError(`${id}: expected another id than ${RESERVED.join(', ')}: those are the ledger's own`);
  const given = publicKey === undefined ? undefined : publicKeyFrom(publicKey);
  const { home } = context;
  let keyid = '';
  await context.control([laneOfTree(home, tenant)], (facts) => {
    knownTenant(facts, tenant);
    const key = given ?? publicKeyOf(home.createKey(id));
    ({ keyid } = key);
    return [registerIssuer(home, { tenant, issuer: id, type, publicKeys: [key], agents: agents?.split(',') })];
  });
  const where = given ? '' : `, its key in ${home.folder}/keys`;
  context.print(`issuer ${id} of ${tenant} (${type}): key ${keyid}${where}`, { tenant, issuer: id, type, keyid });
}

function publicKeyFrom(text: string): { keyid: string; publicKey: string } {
  try {
    const bytes = fromBase64(text);
    checkPublicKey(bytes);
    return { keyid: keyIdOf(bytes), publicKey: text };
  } catch (error) {
    throw new CliError(`--public-key: expected 32 bytes of an Ed25519 key in base64 (${explain(error)})`);
  }
}
