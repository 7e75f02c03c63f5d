import type { Command } from 'commander';

import { drawKeyFile, offerOf, rotateKey } from '#adapters';
import { formatOffer, KEY_ROLES, type KeyOffer, type KeyRole, parseOffer } from '#domain';

import { Context } from '../context.ts';
import { CliError, COULD_NOT_TELL, INVALID } from '../errors.ts';
import { askEveryLane } from '../every-lane.ts';
import { group } from '../group.ts';
import { seedFrom } from '../signed.ts';
import { rotateLogs } from './key-logs.ts';

interface RotateOptions {
  readonly offer?: string;
  readonly recovery?: string;
}

export function register(program: Command): void {
  const key = group(program, 'key', "the ledger's own keys: which count, and how each gets a successor");
  key
    .command('list')
    .description('the keys that each lane admits now, by role')
    .action(async (_options: unknown, command: Command) => {
      await list(new Context(command));
    });
  key
    .command('draw')
    .description('draw a key into a new file, 32 bytes in base64, and print its public key')
    .argument('<file>', 'must not exist')
    .action((file: string, _options: unknown, command: Command) => {
      const publicKey = drawKeyFile(file);
      new Context(command).print(publicKey, { file, publicKey });
    });
  key
    .command('offer')
    .description('where a service runs: draw keys/<role>.next.key, and print the offer that key rotate takes')
    .argument('<role>', 'admin, gateway or decider')
    .action((role: string, _options: unknown, command: Command) => {
      const context = new Context(command);
      const line = formatOffer(offerOf(context.home, roleFrom(role)));
      context.print(line, { role, offer: line });
    });
  key
    .command('rotate')
    .description('the new key counts from its entry on, on every lane, and the old one admits nothing more; run again it goes on')
    .argument('<role>', KEY_ROLES.join(', '))
    .option('--offer <line>', 'as key offer printed it elsewhere; absent: drawn into this data folder')
    .option('--recovery <file>', "with the recovery key's 32 bytes in base64: sign with it, when the admin key is lost or stolen")
    .action(async (role: string, options: RotateOptions, command: Command) => {
      await rotate(new Context(command), roleFrom(role), options);
    });
  key
    .command('rotate-logs')
    .description('close logs and open the next ones, with other keys: where the ledger seed and the admin key are')
    .option('--tenant <id>', 'of this tenant, or _system.<lane>; absent: every log of the ledger')
    .option('--new-seed', 'from a ledger seed that is drawn first (keys/ledger.<n>.seed): after the old one was stolen', false)
    .action(async (options: { tenant?: string; newSeed: boolean }, command: Command) => {
      await rotateLogs(new Context(command), options);
    });
}

async function list(context: Context): Promise<void> {
  const { lanes } = context.home.config;
  const facts = await context.facts();
  const keys = Array.from({ length: lanes }, (_, lane) => ({ lane, ...facts.keysOf(lane) }));
  const lines = keys.flatMap(({ lane, ...roles }) =>
    KEY_ROLES.map((role) => `lane ${lane}  ${role.padEnd(8)}  ${roles[role] ?? 'none: the ledger was born without'}`),
  );
  context.print(lines.join('\n'), keys);
}

async function rotate(context: Context, role: KeyRole, { offer: line, recovery }: RotateOptions): Promise<void> {
  const { home } = context;
  const offer = line === undefined ? offerOf(home, role) : offerFrom(line, role);
  const { keyid } = offer.key;
  const answers = await askEveryLane(
    context,
    rotateKey(home, offer, recovery === undefined ? undefined : seedFrom('--recovery', recovery)),
  );
  const refusals = answers.filter(({ state }) => state === 'refused');
  // A lane that has the key already refuses the old one: what the ledger says of it is read only then.
  const known = refusals.length === 0 ? undefined : await context.facts(refusals.map(({ lane }) => lane));
  const refused = refusals.find(({ lane }) => known?.keysOf(lane)[role] !== keyid);
  const open = answers.filter(({ state }) => state === 'missing' || state === 'unsent').map(({ lane }) => lane);
  if (refused)
    throw new CliError(
      `lane ${refused.lane} refused it with ${refused.detail ?? ''}: countersign key list shows which keys count`,
      INVALID,
    );
  if (open.length > 0) throw new CliError(`no receipt from lane ${open.join(', ')} yet: run this command again`, COULD_NOT_TELL);
  const moved = line === undefined && home.promoteKey(role) ? `; it is keys/${role}.key here now, and the old one is gone` : '';
  const text = `${role} key ${keyid} counts on all ${home.config.lanes} lanes${moved}`;
  context.print(text, { role, keyid, lanes: home.config.lanes, promoted: moved !== '' });
}

function roleFrom(text: string): KeyRole {
  const role = KEY_ROLES.find((each) => each === text);
  if (role) return role;
  throw new CliError(`role: expected ${KEY_ROLES.join(', ')}, got ${text}`);
}

function offerFrom(line: string, role: KeyRole): KeyOffer {
  const offer = parseOffer(line.trim());
  if (offer?.role === role) return offer;
  throw new CliError(`--offer: expected the line that countersign key offer ${role} printed`);
}
