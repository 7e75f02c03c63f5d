/** For integrators: one valid record, byte for byte, and what is in it. Needs no Kafka. */
import { randomBytes, randomUUID } from 'node:crypto';

import type { Command } from 'commander';

import { codecs, type ControlRecord, createLedger, Home, publicKeyOf, registerIssuer } from '#adapters';
import { base64, fromUtf8, laneOf, parseJson, sealEnvelope, type SignedEnvelope, utf8 } from '#domain';

import { Context } from '../context.ts';
import { CliError } from '../errors.ts';

const TENANT = 'acme';
const LIFETIME_MS = 5 * 60_000;

export function register(program: Command): void {
  program
    .command('sample')
    .description("one valid record of an inbound topic: key, value, headers; signed with this ledger's keys, or with keys of no ledger")
    .argument('<topic>', 'actions, controls or outcomes')
    .action((topic: string, _options: unknown, command: Command) => {
      const context = new Context(command);
      if (topic === 'actions') print(context, topic, actionSample(context));
      else if (topic === 'controls') print(context, topic, controlSample(context));
      else if (topic === 'outcomes') {
        const note =
          'outcomes: no kind of record is defined yet (claims and results come later); whatever is sent there becomes input.refused';
        context.print(note, { topic, kinds: [], note });
      } else throw new CliError(`${topic}: expected actions, controls or outcomes`);
    });
}

function actionSample(context: Context): SignedEnvelope {
  const home = Home.exists(context.folder) ? context.home : undefined;
  const now = Date.now();
  const body = {
    actor: { kind: 'agent', id: 'support-assistant', actingFor: 'ben' },
    class: 'record.write',
    connector: 'crm',
    operation: 'update-record',
    parameters: { tenantId: TENANT, recordType: 'customer', recordId: 'c-1029', fields: { phone: '+49 30 5550100' } },
    resource: { type: 'record', id: 'customer' },
    justification: 'The customer gave a new telephone number.',
  };
  const issuer = `platform-${TENANT}`;
  const lanes = home?.config.lanes ?? 2;
  const head = {
    ...(home?.bound() ?? { ledger: 'countersign.local', birth: '0'.repeat(64) }),
    tenant: TENANT,
    issuer,
    id: randomUUID(),
    issuedAtMs: now,
    expiresAtMs: now + LIFETIME_MS,
    blind: randomBytes(32),
  };
  const seed = home?.hasKey(issuer) ? home.key(issuer) : randomBytes(32);
  if (!home?.hasKey(issuer)) context.note('no key of this ledger at hand: signed with a key that no ledger admits');
  return sealEnvelope({ kind: 'action.proposed', body, head, seed, lane: laneOf(TENANT, lanes) });
}

function controlSample(context: Context): SignedEnvelope {
  const party = { issuer: 'ci-sample', tenant: TENANT, type: 'ci' as const, publicKeys: [publicKeyOf(randomBytes(32))] };
  if (Home.exists(context.folder) && context.home.hasKey('admin')) return envelopeOf(registerIssuer(context.home, party));
  context.note('no admin key at hand: signed with a key that no ledger admits');
  const seeds = { ledger: randomBytes(32), admin: randomBytes(32), gateway: randomBytes(32), decider: randomBytes(32) };
  const { config } = createLedger({ name: 'countersign.local', lanes: 2, topicPrefix: '', nowMs: Date.now(), seeds });
  const now = Date.now();
  const head = {
    ledger: config.name,
    birth: config.initialised.sha256,
    tenant: TENANT,
    issuer: 'admin',
    id: randomUUID(),
    issuedAtMs: now,
    expiresAtMs: now + LIFETIME_MS,
    blind: randomBytes(32),
  };
  const body = { registers: party.issuer, type: party.type, keys: party.publicKeys };
  return sealEnvelope({ kind: 'issuer.registered', body, head, seed: seeds.admin, lane: laneOf(TENANT, config.lanes) });
}

const envelopeOf = ({ value }: ControlRecord): SignedEnvelope => codecs.signedEnvelope.decode(value);

function print(context: Context, topic: string, envelope: SignedEnvelope): void {
  const { payload, signature, ...routing } = envelope;
  const record = {
    topic,
    partition: envelope.lane,
    key: { utf8: envelope.tenant, base64: base64(utf8(envelope.tenant)) },
    headers: {},
    value: { base64: base64(codecs.signedEnvelope.encode(envelope)) },
    decoded: { ...routing, signature: base64(signature), payload: parseJson(fromUtf8(payload)) },
  };
  context.print(JSON.stringify(record, null, 2), record);
}
