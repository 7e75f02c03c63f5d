import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  codecs,
  confirmControls,
  createTopics,
  DEMO_ACTORS,
  type CheckedReceipt,
  type ControlRecord,
  type Home,
  type IssuerOptions,
  LaneReader,
  LaneReceipts,
  LedgerFacts,
  LedgerFollower,
  loadBundleFolder,
  openOrCreateHome,
  type KafkaRecord,
  PlainWriter,
  populateLedger,
  prepareLedger,
  publicKeyOf,
  publishControls,
  registerIssuer,
} from '#adapters';
import {
  type Acknowledgement,
  type ActorRule,
  type BundleDocument,
  INPUT_TOPICS,
  type InputTopic,
  laneOf,
  type PayloadHead,
  sealEnvelope,
  utf8,
} from '#domain';

import { type DeciderOptions, start as startDecider } from '../../apps/decider/src/app.ts';
import { type Gateway, start as startGateway } from '../../apps/gateway/src/app.ts';
import type { LaneApp } from '../../apps/kit/src/index.ts';
import { start as startNotary } from '../../apps/notary/src/app.ts';
import { expectLedgerValid } from './expect-valid.ts';
import { client, readAll, unique, until, withAdmin } from './kafka.ts';

/** So that a lane is free soon after its owner is gone. */
const QUICK = { sessionTimeout: 1500, heartbeatInterval: 300 };
export const LANES = 2;
/** Lives on lane 0, globex on lane 1. */
export const TENANT = 'acme';
export const LANE = laneOf(TENANT, LANES);
export const PLATFORM = `platform-${TENANT}`;

/** Those of the documents, and any other agent, which then acts for itself. */
const ACTORS: readonly ActorRule[] = [...DEMO_ACTORS, { kind: 'agent', id: '*' }];

export type AppName = 'decider' | 'notary' | 'gateway';
/** Where a record is on an input topic. */
export interface Place {
  readonly topic: InputTopic;
  readonly lane: number;
  readonly offset: bigint;
}

/** As the one checker is told of it. */
export const acknowledgementOf = ({ topic, lane, offset }: Place): Acknowledgement => ({ topic, partition: lane, offset });

interface SendOptions {
  readonly topic?: InputTopic;
  readonly lane?: number;
  readonly key?: string | null;
  readonly headers?: Record<string, string>;
}

/** A ledger of its own on the shared broker, with decider, notary and gateway in this process, which a test stops and starts. */
export class World {
  readonly writer: PlainWriter;
  /** Unit ms: how far the decider's clock is ahead of ours, from now on. */
  deciderClockMs = 0;
  readonly #apps: { decider?: LaneApp; notary?: LaneApp; gateway?: Gateway } = {};
  readonly #closing: (() => Promise<void>)[] = [];
  readonly #receipts = new Map<number, LaneReceipts>();
  #reader: LaneReader | undefined;

  private constructor(
    readonly home: Home,
    readonly brokers: string[],
  ) {
    this.writer = PlainWriter.open(client(brokers));
  }

  /** Everything up and ready, the bundle in force, acme and globex registered. */
  static async open(brokers: string[], name: string): Promise<World> {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-'));
    const { home } = openOrCreateHome(folder, { name: `${name}.test`, lanes: LANES, topicPrefix: `${unique(name)}.` });
    const world = new World(home, brokers);
    world.#closing.push(async () => rm(folder, { recursive: true }));
    await prepareLedger(home, brokers);
    await Promise.all([world.start('decider'), world.start('notary')]);
    const bundle = standardBundle();
    await populateLedger(home, brokers, {
      tenants: ['acme', 'globex'],
      actors: ACTORS,
      bundle,
      withinMs: 30_000,
      onProgress: () => undefined,
    });
    await world.start('gateway');
    await world.untilReady('gateway');
    return world;
  }

  async start(name: AppName, deciderOptions: Pick<DeciderOptions, 'snapshotEveryEntries' | 'checkBundle'> = {}): Promise<void> {
    const { home, brokers } = this;
    const common = { home, brokers, port: 0 };
    const nowMs = (): number => Date.now() + this.deciderClockMs;
    if (name === 'decider') this.#apps.decider = await startDecider({ ...common, ...QUICK, ...deciderOptions, nowMs });
    else if (name === 'notary') this.#apps.notary = await startNotary({ ...common, ...QUICK });
    else this.#apps.gateway = await startGateway({ ...common, indexFolder: join(home.folder, 'index') });
  }

  async stop(name: AppName): Promise<void> {
    const app = this.#apps[name];
    this.#apps[name] = undefined as never;
    await app?.close();
  }

  async close(): Promise<void> {
    await Promise.all((['gateway', 'notary', 'decider'] as const).map((name) => this.stop(name)));
    await Promise.allSettled([this.writer.close(), this.#reader?.close(), ...[...this.#receipts.values()].map((each) => each.close())]);
    for (const close of this.#closing) await close();
  }

  get gateway(): Gateway {
    if (!this.#apps.gateway) throw new Error('no gateway is running');
    return this.#apps.gateway;
  }

  health(name: AppName) {
    const app = this.#apps[name];
    if (!app) throw new Error(`no ${name} is running`);
    return app.health.reasons;
  }

  async restart(...names: AppName[]): Promise<void> {
    for (const name of names) {
      await this.stop(name);
      await this.start(name);
    }
  }

  /** Registers a party whose key this world holds: `<issuer>-<tenant>.key`. A platform says what this world's do, unless `party` says otherwise. */
  ownIssuer(party: Omit<IssuerOptions, 'publicKeys'>): ControlRecord {
    const seed = this.home.createKey(`${party.issuer}-${party.tenant}`);
    const says = party.type === 'platform' ? { actors: ACTORS } : {};
    return registerIssuer(this.home, { ...says, ...party, publicKeys: [publicKeyOf(seed)] });
  }

  /** Every lane taken over, everything read. */
  async untilReady(name: AppName): Promise<void> {
    await until(`the ${name} is ready`, () => {
      const app = this.#apps[name];
      return app?.health.reasons.length === 0 && (!('readyLanes' in app) || app.readyLanes.length === LANES);
    });
  }

  /** The reason that readiness gives for a part that needs an operator. */
  async untilFailed(name: AppName, part: string): Promise<string> {
    const found = await until(`${part} of the ${name} has failed`, () =>
      this.health(name).find((each) => each.state === 'failed' && each.name === part),
    );
    return found.reason;
  }

  /** What the named app shows at /metrics, and 503 with reasons at /readyz. */
  async http(name: 'decider' | 'notary', path: string): Promise<{ status: number; text: string }> {
    const port = this.#apps[name]?.port ?? 0;
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: answer.status, text: await answer.text() };
  }

  head(given: Partial<PayloadHead> = {}): PayloadHead {
    const issuedAtMs = Date.now();
    return {
      ...{ ...this.home.bound(), tenant: TENANT, issuer: PLATFORM, id: unique('action') },
      ...{ issuedAtMs, expiresAtMs: issuedAtMs + 300_000, blind: randomBytes(32) },
      ...given,
    };
  }

  /** A proposal as the platform of `head.tenant` signs it. */
  envelope(body: object = recordWrite, given: Partial<PayloadHead> = {}, seed = this.home.key(PLATFORM)) {
    return sealEnvelope({ kind: 'action.proposed', body, head: this.head(given), seed, lane: LANE });
  }

  value(body?: object, given?: Partial<PayloadHead>): Buffer {
    return codecs.signedEnvelope.encode(this.envelope(body, given));
  }

  async send(value: Uint8Array | null, to: SendOptions = {}): Promise<Place> {
    const { topic = 'actions', lane = LANE, key = TENANT, headers = {} } = to;
    const record = { topic: this.home.topic(topic), partition: lane, key: key === null ? null : Buffer.from(utf8(key)) };
    const [sent] = await this.writer.send([{ ...record, value: value && Buffer.from(value), headers }]);
    return { topic, lane, offset: sent?.baseOffset ?? -1n };
  }

  propose(body?: object, given?: Partial<PayloadHead>): Promise<Place> {
    return this.send(this.value(body, given));
  }

  /** Publishes controls and waits until the ledger has accepted them. */
  async control(...controls: readonly ControlRecord[]): Promise<void> {
    const follower = await LedgerFollower.open(this.home, this.brokers);
    const waiting = { follower, facts: new LedgerFacts(), withinMs: 30_000, onProgress: () => undefined };
    try {
      await confirmControls(await publishControls(this.home, this.writer, controls), waiting);
    } finally {
      await follower.close();
    }
  }

  /** The lane's receipts up to now, each verified offline as it was read. */
  async receipts(lane = LANE): Promise<readonly CheckedReceipt[]> {
    let receipts = this.#receipts.get(lane);
    if (!receipts) this.#receipts.set(lane, (receipts = await LaneReceipts.open(this.home, this.brokers, lane)));
    await receipts.catchUp();
    return receipts.all;
  }

  /** Of what became of one input record. */
  receiptOf(place: Place): Promise<CheckedReceipt> {
    const at = `${place.topic}/${place.lane}/${place.offset}`;
    return until(`the receipt of ${at}`, async () => (await this.receipts(place.lane)).find((each) => citationOf(each) === at));
  }

  /** Every committed record that one partition still holds. */
  async read(topic: string, lane = LANE): Promise<KafkaRecord[]> {
    this.#reader ??= await LaneReader.open(client(this.brokers));
    const [ends] = await this.#reader.endOffsets([{ topic: this.home.topic(topic), partition: lane }]);
    return readAll(this.#reader, this.home.topic(topic), lane, ends?.start);
  }

  /** Deletes a topic and creates it, empty, as it must be set. */
  async makeAnew(name: string): Promise<void> {
    const topic = this.home.topic(name);
    await withAdmin(this.brokers, async (admin) => {
      await admin.deleteTopics({ topics: [topic] });
      await until(`${name} is gone`, async () => !(await admin.listTopics()).includes(topic));
      await createTopics(admin, { prefix: this.home.config.topicPrefix, lanes: LANES });
    });
    await this.#reader?.close(); // it knows the deleted one
    this.#reader = undefined;
    if (name !== 'receipts') return;
    for (const receipts of this.#receipts.values()) await receipts.close();
    this.#receipts.clear();
  }

  async get(url: string, bearer = this.home.token(TENANT)): Promise<{ status: number; text: string }> {
    const { statusCode, body } = await this.gateway.server.inject({ url, headers: { authorization: `Bearer ${bearer ?? ''}` } });
    return { status: statusCode, text: body };
  }

  /**
   * The receipt that acme's credential gets for a record that has been answered: by the digest of what was signed, or by its place when it was
   * refused without trust. The gateway reads `receipts` as we do, a moment apart.
   */
  async servedReceipt({ topic, lane, offset }: Place, { statement }: CheckedReceipt): Promise<string> {
    const isRaw = statement.predicate['bytesMac'] !== undefined;
    const query = isRaw ? `topic=${topic}&partition=${lane}&offset=${offset}` : `digest=${statement.subject[0].digest.sha256}`;
    return until(`GET receipt of ${topic}/${lane}/${offset}`, async () => {
      const { status, text } = await this.get(`/v1/receipts?${query}`);
      return status === 200 ? text : undefined;
    });
  }

  /** The one checker, from genesis, once the notary has attested everything that the inputs came to. */
  async expectValid(): Promise<void> {
    for (let lane = 0; lane < LANES; lane++) {
      await until(`lane ${lane} is settled`, async () => {
        const inputs = (await Promise.all(INPUT_TOPICS.map((topic) => this.read(topic, lane)))).flat().length;
        const ledger = await this.read('ledger', lane);
        const receipts = await this.receipts(lane);
        return receipts.length === ledger.length && new Set(receipts.map(citationOf).filter(Boolean)).size >= inputs;
      });
    }
    await expectLedgerValid(this.home, this.brokers);
  }
}

export function citationOf({ place }: CheckedReceipt): string | undefined {
  return place && `${place.topic}/${place.partition}/${place.offset}`;
}

export const standardBundle = (): BundleDocument => loadBundleFolder('policies/standard');

/** What the standard policy allows without people. */
export const recordWrite = {
  actor: { kind: 'agent', id: 'agent-7' },
  class: 'record.write',
  connector: 'crm',
  operation: 'update-record',
  parameters: { tenantId: TENANT, recordType: 'customer', recordId: 'c-1', fields: { tier: 'gold' } },
  resource: { type: 'record', id: 'customer' },
} as const;

/** Verdict and reasons of a decision, code of a refusal, else the kind. */
export function told({ kind, statement: { predicate } }: CheckedReceipt): string {
  const { verdict, reasons, code } = predicate as { verdict?: string; reasons?: string[]; code?: string };
  if (kind === 'action.decided') return `${verdict ?? ''} ${reasons?.join(' ') ?? ''}`;
  return kind === 'input.refused' ? (code ?? '') : kind;
}
