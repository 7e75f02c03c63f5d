/** `countersign init`: topics, the first record of every lane, the policy in force, and two tenants to play with. */
import { randomBytes } from 'node:crypto';

import { type ActorRule, type BundleDocument, parseBundle } from '#domain';

import { activateBundle, type ControlRecord, issueToken, registerIssuer, registerTenant, tokenHashOf } from '../controls/controls.ts';
import { publicKeyOf } from '../home/create-ledger.ts';
import { Home } from '../home/home.ts';
import { checkTopics, connectionConfig, createTopics, type TopicFault, PlainWriter, TOPICS, withAdmin } from '../kafka/index.ts';
import { kafkajs } from '../kafka/patch.ts';
import { LedgerFacts } from './facts.ts';
import { LedgerFollower } from './follow.ts';
import { initialiseLanes, lastControls } from './initialise.ts';
import { confirmControls, publishControls, untilDecided, type Waiting } from './publish.ts';

export const DEMO_TENANTS: readonly string[] = ['acme', 'globex'];
/** Who proposes in the tour, the examples and the documents, and for whom: a demo tenant's platform and token say these and no others. */
export const DEMO_ACTORS: readonly ActorRule[] = [
  { kind: 'agent', id: 'incident-responder', actingFor: ['ana'] },
  { kind: 'agent', id: 'support-assistant', actingFor: ['ben'] },
  { kind: 'agent', id: 'release-bot' },
  { kind: 'agent', id: 'agent-7' },
];
/** Two show that lanes are independent; a laptop gains nothing from more. */
export const LANES_DEFAULT = 2;
export const LEDGER_NAME_DEFAULT = 'countersign.local';
/** Unit ms. A demo's token outlives the demo. */
const TOKEN_LIFETIME_MS = 365 * 24 * 60 * 60 * 1000;

export interface NewLedger {
  readonly name?: string | undefined;
  readonly lanes?: number | undefined;
  readonly topicPrefix?: string | undefined;
  readonly recoveryKey?: { readonly keyid: string; readonly publicKey: string } | undefined;
}

/** Keys and ledger.json, made when they are missing. Nothing is published. */
export function openOrCreateHome(
  folder: string,
  { name, lanes, topicPrefix, recoveryKey }: NewLedger = {},
): { home: Home; created: boolean } {
  if (Home.exists(folder)) return { home: Home.open(folder), created: false };
  const home = Home.create(folder, {
    name: name ?? LEDGER_NAME_DEFAULT,
    lanes: lanes ?? LANES_DEFAULT,
    topicPrefix: topicPrefix ?? '',
    recoveryKey,
    nowMs: Date.now(),
  });
  return { home, created: true };
}

/**
 * For a new ledger on a Kafka that may hold another one already (that of Docker outlives a data folder): '' when the plain names are free,
 * else a random prefix.
 */
export async function topicPrefixFor(brokers: readonly string[]): Promise<string> {
  const admin = new kafkajs.Kafka(connectionConfig({ brokers, clientId: 'countersign-init' })).admin();
  try {
    await admin.connect();
    const taken = new Set(await admin.listTopics());
    return TOPICS.some(({ name }) => taken.has(name)) ? `${randomBytes(4).toString('hex')}.` : '';
  } finally {
    await admin.disconnect();
  }
}

/** Topics and LedgerInitialised: what services need before they can start. Again after a crash: goes on where it stopped. */
export async function prepareLedger(home: Home, brokers: readonly string[]): Promise<{ topics: string[]; lanes: number[] }> {
  const admin = new kafkajs.Kafka(connectionConfig({ brokers, clientId: 'countersign-init' })).admin();
  const writer = PlainWriter.open({ brokers, clientId: 'countersign-init' });
  try {
    await admin.connect();
    const topics = await createTopics(admin, { prefix: home.config.topicPrefix, lanes: home.config.lanes });
    return { topics, lanes: await initialiseLanes(home, brokers, writer) };
  } finally {
    await Promise.allSettled([admin.disconnect(), writer.close()]);
  }
}

/** Every difference between the ledger's topics as they are and as they must be. */
export function checkLedgerTopics(home: Home, brokers: readonly string[]): Promise<TopicFault[]> {
  const { topicPrefix: prefix, lanes } = home.config;
  return withAdmin({ brokers, clientId: 'countersign-doctor' }, (admin) => checkTopics(admin, { prefix, lanes }));
}

export interface Population {
  readonly tenants: readonly string[];
  readonly bundle: BundleDocument;
  /** What each tenant's platform and token may say. */
  readonly actors: readonly ActorRule[];
  /** Unit ms: for the decider to confirm. */
  readonly withinMs: number;
  readonly onProgress: (line: string) => void;
}

/**
 * The bundle, and each tenant with a platform, a CI system, the executors that the bundle names and a gateway token. Needs a running decider. What the ledger has already
 * is left alone: everything published before is awaited first, so nothing is asked for twice. Returns how many controls it published.
 */
export async function populateLedger(home: Home, brokers: readonly string[], population: Population): Promise<number> {
  const follower = await LedgerFollower.open(home, brokers);
  const writer = PlainWriter.open({ brokers, clientId: 'countersign-init' });
  const facts = new LedgerFacts();
  const waiting: Waiting = { follower, facts, withinMs: population.withinMs, onProgress: population.onProgress };
  try {
    await untilDecided(await lastControls(home, brokers), waiting);
    const missing = missingControls(home, facts, population);
    if (missing.length > 0) await confirmControls(await publishControls(home, writer, missing), waiting);
    return missing.length;
  } finally {
    await Promise.allSettled([follower.close(), writer.close()]);
  }
}

/** For the next start of a ledger that has `facts`. */
export function missingControls(
  home: Home,
  facts: LedgerFacts,
  { tenants, bundle, actors }: Pick<Population, 'tenants' | 'bundle' | 'actors'>,
): ControlRecord[] {
  const without = Array.from({ length: home.config.lanes }, (_, lane) => lane).filter((lane) => !facts.bundles.has(lane));
  const bundles = without.length === 0 ? [] : activateBundle(home, bundle).filter(({ lane }) => without.includes(lane));
  return [...bundles, ...tenants.flatMap((tenant) => missingOfTenant(home, facts, { tenant, actors, executors: executorsOf(bundle) }))];
}

/** Every party that a class lets act. */
const executorsOf = (bundle: BundleDocument): string[] =>
  [...new Set(Object.values(parseBundle(bundle).tables.classes).flatMap(({ executors }) => executors))].sort();

/** Name of its key in the home: permits name executors alike for all tenants, and each tenant's has a key of its own. */
export const executorKey = (issuer: string, tenant: string): string => `${issuer}-${tenant}`;

function missingOfTenant(
  home: Home,
  facts: LedgerFacts,
  { tenant, actors, executors }: { readonly tenant: string; readonly actors: readonly ActorRule[]; readonly executors: readonly string[] },
): ControlRecord[] {
  const known = facts.tenants.get(tenant);
  const controls = known ? [] : [registerTenant(home, tenant)];
  const parties = [
    ...(['platform', 'ci', 'incident-desk'] as const).map((type) => ({ type, issuer: `${type}-${tenant}`, key: `${type}-${tenant}` })),
    ...executors.map((issuer) => ({ type: 'executor' as const, issuer, key: executorKey(issuer, tenant) })),
  ];
  for (const { type, issuer, key } of parties) {
    if (known?.issuers.has(issuer)) continue;
    const says = type === 'platform' ? saysOf(home, actors) : {};
    controls.push(registerIssuer(home, { tenant, issuer, type, publicKeys: [publicKeyOf(home.createKey(key))], ...says }));
  }
  // A token that was kept and never published is none, although another one of the tenant may be good.
  const kept = home.token(tenant);
  const keptHash = kept === undefined ? undefined : tokenHashOf(kept);
  const isKeptGood = [...(known?.tokens.values() ?? [])].some(({ tokenHash, revoked }) => !revoked && tokenHash === keptHash);
  if (!isKeptGood) {
    const { envelope, bearer } = issueToken(home, {
      ...{ tenant, roles: ['propose', 'read'] as const, ...saysOf(home, actors) },
      validUntilMs: Date.now() + TOKEN_LIFETIME_MS,
    });
    home.keepToken(tenant, bearer); // before it is published: the ledger has only its hash
    controls.push(envelope);
  }
  return controls;
}

/** A ledger of rules 1 keeps no list: there any platform says any actor, as it did. */
const saysOf = (home: Home, actors: readonly ActorRule[]): { actors?: readonly ActorRule[] } =>
  home.birth().rules === 1 ? {} : { actors };
