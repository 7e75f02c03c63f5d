import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import {
  CedarEngine,
  codecs,
  DEMO_ACTORS,
  type KafkaRecord,
  LaneReader,
  readToEnd,
  LedgerFacts,
  LedgerFollower,
  loadBundleFolder,
  openOrCreateHome,
  populateLedger,
  prepareLedger,
  type Home,
} from '#adapters';
import { ed25519PublicKey } from '#crypto';
import {
  base64,
  type BundleDocument,
  formatTrust,
  judge,
  NESTING_MAX,
  parseBundle,
  parseCanonical,
  parsePayload,
  sealEnvelope,
  type EngineRequest,
  type Json,
  type PolicyEngine,
  type Proposal,
} from '#domain';
import { openTrust, verifyVerdict } from '#sdk';

import { startWorker, type Worker } from './process.ts';
import type { Path, Sample } from './drive.ts';

const TENANT = 'acme';
/** Unit ms. Longer than any run. */
const LIFETIME_MS = 900_000;
const root = new URL('..', import.meta.url).pathname;

/** A gateway of the ledger, and a token for each of its tenants. */
export interface Asked {
  readonly port: number;
  readonly tokens: ReadonlyMap<string, string>;
}

/** A real ledger of one lane with the standard bundle, decider and notary as processes of their own. */
export interface BenchLedger {
  readonly home: Home;
  readonly workers: readonly Worker[];
  /** A decider as another process, ready once it has taken the lane over. */
  readonly startDecider: () => Promise<Worker>;
  /** The ledger's gateway, as a process of its own that the caller stops; ready to answer. */
  readonly startGateway: () => Promise<{ readonly worker: Worker; readonly asked: Asked }>;
  readonly path: Path;
  /** Records and markers on the ledger so far: each transaction adds one marker to its records. */
  readonly ledgerEnd: () => Promise<bigint>;
  /** Signed proposals that policy allows; ids never repeat. */
  readonly proposals: (count: number) => Sample[];
  /** What the pipeline asks the engine for such a proposal. */
  readonly engineRequest: EngineRequest;
  readonly bundleDocument: Json;
  /** base64, of the issuer that signs the proposals. */
  readonly proposerKey: string;
  /** The ledger's controls, for deciding in this process. */
  readonly controls: readonly KafkaRecord[];
}

/** Over HTTP callers of so many tenants ask: with the most callers, each of them within what the gateway takes of one tenant at a time. */
const ASKING_TENANTS = 8;

/** `tenants`: so many take turns in `proposals`. */
export async function startLedger(brokers: readonly string[], tenants = 1): Promise<BenchLedger> {
  const names = [TENANT, ...Array.from({ length: Math.max(tenants, ASKING_TENANTS) - 1 }, (_, at) => `tenant-${at + 2}`)];
  const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
  const { home } = openOrCreateHome(folder, { name: 'bench.local', lanes: 1, topicPrefix: `bench-${randomBytes(3).toString('hex')}.` });
  await prepareLedger(home, brokers);
  const env = { COUNTERSIGN_DATA: folder, KAFKA_BROKERS: brokers.join(','), PORT: '0', METRICS_PORT: '0', LOG_LEVEL: 'info' };
  const isReady = (line: string): boolean => line.includes('lane taken over');
  const startDecider = (): Promise<Worker> => startWorker('decider', 'apps/decider/src/main.ts', { env, isReady });
  const workers = [await startWorker('notary', 'apps/notary/src/main.ts', { env, isReady }), await startDecider()];
  const document = forTenants(loadBundleFolder(join(root, 'policies/standard')), names);
  const bundle: Json = document;
  await populateLedger(home, brokers, {
    tenants: names,
    actors: DEMO_ACTORS,
    bundle: document,
    withinMs: 600_000,
    onProgress: () => undefined,
  });
  const proposals = (count: number): Sample[] => Array.from({ length: count }, (_, at) => proposalOf(home, names[at % tenants] ?? TENANT));
  return {
    ...{
      home,
      workers,
      startDecider,
      startGateway: () => gatewayOf(home, names, env),
      proposals,
      path: await verdictPath(home, brokers, names),
      ledgerEnd: () => endOfLedger(home, brokers),
    },
    ...{ engineRequest: requestOf(home, bundle), bundleDocument: bundle },
    proposerKey: base64(ed25519PublicKey(home.key(`platform-${TENANT}`))),
    controls: await controlsOf(home, brokers),
  };
}

/** Every tenant may do what the standard bundle lets the first do. */
function forTenants(document: BundleDocument, names: readonly string[]): BundleDocument {
  const envelopes = document['envelopes'] as Record<string, Json>;
  const of = Object.fromEntries(names.map((name) => [name, envelopes[TENANT] ?? null]));
  return { ...document, envelopes: { ...envelopes, ...of } };
}

async function gatewayOf(home: Home, names: readonly string[], common: Record<string, string>): Promise<{ worker: Worker; asked: Asked }> {
  const env = { ...common, COUNTERSIGN_TENANT_RATE: '100000' }; // what is measured is the way of a decision, not its limit
  const worker = await startWorker('gateway', 'apps/gateway/src/main.ts', { env, isReady: (line) => line.includes('"msg":"up"') });
  const { port } = JSON.parse(worker.readyLine) as { port: number };
  const tokens = new Map(names.map((name) => [name, home.token(name) ?? '']));
  const isReady = async (): Promise<boolean> => {
    const answers = [...tokens].map(([tenant, token]) =>
      fetch(`http://127.0.0.1:${port}/v1/trust/${tenant}`, { headers: { authorization: `Bearer ${token}` } }),
    );
    return (await Promise.all(answers)).every(({ status }) => status === 200);
  };
  while (!(await isReady())) await delay(100);
  return { worker, asked: { port, tokens } };
}

/** About 1.2 kB signed: what an agent platform sends for a record write. */
export function bodyOf(tenantId: string): object {
  return {
    actor: { kind: 'agent', id: 'support-assistant', actingFor: 'ben' },
    class: 'record.write',
    connector: 'crm',
    operation: 'update-record',
    parameters: {
      tenantId,
      recordType: 'customer',
      recordId: 'c-1029',
      fields: { phone: '+49 30 5550100', note: 'n'.repeat(300) },
    },
    resource: { type: 'record', id: 'customer' },
    justification: 'The customer gave a new telephone number; the conversation has the identity check and the old number.',
    impact: { rows: 1, reversible: true },
  };
}

function proposalOf(home: Home, tenant = TENANT): Sample {
  const id = randomBytes(12).toString('hex');
  const nowMs = Date.now();
  const issuer = `platform-${tenant}`;
  const head = {
    ...home.bound(),
    tenant,
    issuer,
    id,
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + LIFETIME_MS,
    blind: randomBytes(32),
  };
  const envelope = sealEnvelope({ kind: 'action.proposed', body: bodyOf(tenant), head, seed: home.key(issuer), lane: 0 });
  const value = codecs.signedEnvelope.encode(envelope);
  return { id, record: { topic: home.topic('actions'), partition: 0, key: Buffer.from(tenant), value } };
}

/** The request that judging such a proposal makes, recorded from the real judge. */
function requestOf(home: Home, document: Json): EngineRequest {
  const cedar = new CedarEngine();
  let recorded: EngineRequest | undefined;
  const engine: PolicyEngine = {
    name: cedar.name,
    refusals: (bundle) => cedar.refusals(bundle),
    guards: (bundle) => cedar.guards(bundle),
    parametersValid: (...args) => cedar.parametersValid(...args),
    authorize: (bundle, request) => {
      recorded = request;
      return cedar.authorize(bundle, request);
    },
  };
  const envelope = codecs.signedEnvelope.decode(proposalOf(home).record.value ?? Buffer.alloc(0));
  const parsed = parsePayload('action.proposed', parseCanonical(envelope.payload, { maxDepth: NESTING_MAX }));
  if (!parsed.ok) throw new Error(parsed.detail);
  const judgement = judge({
    bundle: parseBundle(document),
    proposal: parsed.value as unknown as Proposal,
    nowMs: Date.now(),
    evidenceKey: () => undefined,
    engine,
  });
  if (!recorded || judgement.verdict !== 'ALLOW') throw new Error(`the sample proposal must be allowed, came ${judgement.reasons.join()}`);
  return recorded;
}

async function verdictPath(home: Home, brokers: readonly string[], tenants: readonly string[]): Promise<Path> {
  const facts = new LedgerFacts();
  const follower = await LedgerFollower.open(home, brokers);
  await follower.catchUp((entry) => {
    facts.add(entry);
  });
  await follower.close();
  const vkeyOf = (tenant: string): string => {
    const vkey = facts.tenants.get(tenant)?.vkey;
    if (vkey === undefined) throw new Error(`${tenant} is no tenant to propose for`);
    return vkey;
  };
  const trust = openTrust(Object.fromEntries(tenants.map((tenant) => [tenant, formatTrust(vkeyOf(tenant))])));
  const idsOf: Path['idsOf'] = function* ({ records }) {
    for (const { value } of records) {
      const verdict = verifyVerdict(codecs.verdict.decode(value ?? Buffer.alloc(0)), trust);
      if (!verdict || 'code' in verdict || verdict.verdict !== 'ALLOW') throw new Error('a verdict does not verify, or allows nothing');
      yield verdict.actionId;
    }
  };
  return { name: 'pipeline', brokers, output: { topic: home.topic('verdicts'), partition: 0 }, idsOf };
}

async function endOfLedger(home: Home, brokers: readonly string[]): Promise<bigint> {
  const reader = await LaneReader.open({ brokers, clientId: 'bench' });
  const [ends] = await reader.endOffsets([{ topic: home.topic('ledger'), partition: 0 }]);
  await reader.close();
  return ends?.highWatermark ?? 0n;
}

async function controlsOf(home: Home, brokers: readonly string[]): Promise<KafkaRecord[]> {
  const reader = await LaneReader.open({ brokers, clientId: 'bench' });
  const controls: KafkaRecord[] = [];
  await readToEnd(
    reader,
    { topic: home.topic('controls'), partition: 0 },
    (record) => void controls.push(record),
    new AbortController().signal,
  );
  await reader.close();
  return controls;
}
