/** For integrators: one valid record, byte for byte, and what is in it. Needs no Kafka. */
import { randomBytes, randomUUID } from 'node:crypto';

import type { Command } from 'commander';

import { sha256Hex } from '#crypto';
import { codecs, type ControlRecord, createLedger, executorKey, Home, publicKeyOf, registerIssuer } from '#adapters';
import { base64, fromUtf8, laneOf, parseJson, sealEnvelope, type SignedEnvelope, utf8 } from '#domain';

import { Context } from '../context.ts';
import { CliError } from '../errors.ts';

const TENANT = 'acme';
/** Of the standard bundle. */
const EXECUTOR = 'crm-writer';
const LIFETIME_MS = 5 * 60_000;

export function register(program: Command): void {
  program
    .command('sample')
    .description("one valid record of an inbound topic: key, value, headers; signed with this ledger's keys, or with keys of no ledger")
    .argument('<topic>', 'actions, controls or outcomes')
    .action((topic: string, _options: unknown, command: Command) => {
      const context = new Context(command);
      print(context, topic, sampleOf(context, topic));
    });
}

/** Throws CliError for what is no input topic. */
export function sampleOf(context: Context, topic: string): SignedEnvelope {
  if (topic === 'actions') return actionSample(context);
  if (topic === 'controls') return controlSample(context);
  if (topic === 'outcomes') return outcomeSample(context);
  throw new CliError(`${topic}: expected actions, controls or outcomes`);
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

/** Its claim is of no ledger, so it is answered with a refusal: what was never granted has no outcome. The other kind there is `claim.requested`. */
function outcomeSample(context: Context): SignedEnvelope {
  const home = Home.exists(context.folder) ? context.home : undefined;
  const key = executorKey(EXECUTOR, TENANT);
  if (!home?.hasKey(key)) context.note('no key of this ledger at hand: signed with a key that no ledger admits');
  context.note('an outcome.reported of a claim that no ledger granted; countersign outcome makes one of a claim of yours');
  const now = Date.now();
  const head = {
    ...(home?.bound() ?? { ledger: 'countersign.local', birth: '0'.repeat(64) }),
    ...{ tenant: TENANT, issuer: EXECUTOR, id: randomUUID(), issuedAtMs: now, expiresAtMs: now + LIFETIME_MS, blind: randomBytes(32) },
  };
  const digests = { before: sha256Hex(utf8('before')), after: sha256Hex(utf8('after')) };
  const body = { decision: '7', claim: randomUUID(), kind: 'result', status: 'succeeded', ...digests };
  const seed = home?.hasKey(key) ? home.key(key) : randomBytes(32);
  return sealEnvelope({ kind: 'outcome.reported', body, head, seed, lane: laneOf(TENANT, home?.config.lanes ?? 2) });
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
