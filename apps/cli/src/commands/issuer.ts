import type { Command } from 'commander';

import { isLedgerKeyName, publicKeyOf, registerIssuer, revokeIssuer } from '#adapters';
import { type ActorRule, ISSUER_KEYS_MAX, ISSUER_TYPES } from '#domain';

import { ACTOR_HELP, ACTOR_OPTION, oneMore, saysOf } from '../actors.ts';
import { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import { enter } from '../every-lane.ts';
import { group } from '../group.ts';
import { type GivenKey, publicKeyFrom } from '../public-keys.ts';
import { tenantOnly } from '../tenant.ts';
import { registerKeys } from './issuer-key.ts';

interface AddOptions {
  readonly tenant: string;
  readonly type: string;
  readonly publicKey: readonly string[];
  readonly actor: readonly ActorRule[];
  readonly agents?: string;
}

export function register(program: Command): void {
  const issuer = group(program, 'issuer', "parties whose signatures a tenant's log admits");
  registerKeys(issuer);
  issuer
    .command('add')
    .description('register a party: its own public keys, or a key drawn here (keys/<id>.key)')
    .argument('<id>', 'of the party')
    .requiredOption('--tenant <id>', 'for which tenant', tenantOnly)
    .requiredOption('--type <type>', 'platform (proposes), executor, or one that signs evidence: ci, reviewer, directory, incident-desk')
    .option(
      '--public-key <base64>',
      `32 bytes, Ed25519; again for each further key, up to ${ISSUER_KEYS_MAX}; absent: a key is drawn into the data folder`,
      (text: string, before: readonly string[]) => [...before, text],
      [],
    )
    .option(ACTOR_OPTION, `of a platform: ${ACTOR_HELP}`, oneMore, [])
    .option('--agents <ids>', 'on a ledger of rules 1: a,b,...: the only actors it may speak for')
    .action(async (id: string, options: AddOptions, command: Command) => {
      await add(new Context(command), id, options);
    });
  issuer
    .command('revoke')
    .description(
      'nothing that it signs is admitted from this entry on, what it asked people ends, and what it was permitted cannot be claimed',
    )
    .argument('<id>', 'of the party')
    .requiredOption('--tenant <id>', 'for which tenant', tenantOnly)
    .action(async (id: string, { tenant }: { tenant: string }, command: Command) => {
      const context = new Context(command);
      await enter(context, [revokeIssuer(context.home, tenant, id)]);
      context.print(`issuer ${id} of ${tenant}: revoked`, { tenant, issuer: id, revoked: true });
    });
}

async function add(context: Context, id: string, { tenant, type: asked, publicKey, actor, agents }: AddOptions): Promise<void> {
  const type = ISSUER_TYPES.find((each) => each === asked);
  if (!type) throw new CliError(`--type: expected ${ISSUER_TYPES.join(', ')}, got ${asked}`);
  // Their keys lie in keys/ too, and must sign nothing but what they are for.
  if (isLedgerKeyName(id)) throw new CliError(`${id}: expected another id: keys/ has the ledger's own key of that name`);
  const given = publicKeysFrom(publicKey);
  const { home } = context;
  const { rules } = home.birth();
  const says = saysOf(`a party of type ${type}`, { rules, maySay: type === 'platform', actor, agents });
  const publicKeys = given.length > 0 ? given : [publicKeyOf(home.createKey(id))];
  const keyids = publicKeys.map(({ keyid }) => keyid);
  await enter(context, [registerIssuer(home, { tenant, issuer: id, type, publicKeys, ...says })]);
  const where = given.length > 0 ? '' : `, its key in ${home.folder}/keys`;
  const keys = `${keyids.length === 1 ? 'key' : 'keys'} ${keyids.join(', ')}`;
  context.print(`issuer ${id} of ${tenant} (${type}): ${keys}${where}`, { tenant, issuer: id, type, keyids });
}

/** Each once: the ledger refuses a key that is there twice, and more than it keeps. */
function publicKeysFrom(texts: readonly string[]): GivenKey[] {
  if (texts.length > ISSUER_KEYS_MAX) throw new CliError(`--public-key: expected at most ${ISSUER_KEYS_MAX} keys, got ${texts.length}`);
  const keys = texts.map((text) => publicKeyFrom(text));
  const twice = keys.find(({ keyid }, at) => keys.findIndex((key) => key.keyid === keyid) < at);
  if (twice) throw new CliError(`--public-key: expected each key once, got ${twice.publicKey} twice`);
  return keys;
}
