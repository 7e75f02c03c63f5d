/** A ledger of its own whose services are real processes, for tests that end, pause and double them. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';

import {
  checkLedger,
  DEMO_ACTORS,
  type Home,
  loadBundleFolder,
  openOrCreateHome,
  PlainWriter,
  populateLedger,
  prepareLedger,
  publicKeyOf,
} from '#adapters';
import { type Acknowledgement, laneOf, utf8 } from '#domain';
import { KafkaProposer } from '#sdk';

import { client, unique, until } from '../support/kafka.ts';
import { Service, type ServiceName } from '../support/service.ts';
import { expectSound } from './expect-sound.ts';
import { type Channel, Load } from './load.ts';
import { seededRandom } from './random.ts';
import { ReceiptWatch } from './receipt-watch.ts';
import type { Trial } from './trial.ts';

/** globex lives on lane 1, acme on lane 0. */
export const TENANTS = ['acme', 'globex'] as const;
const LANES = 2;
/** Unit ms. */
const POPULATE_MAX_MS = 90_000;

export class FaultWorld {
  readonly home: Home;
  readonly random: () => number;
  readonly services: Service[] = [];
  /** Codes of alarms that the fault itself calls for. */
  mayAlarm: readonly string[] = [];
  /** Of the key that the birth pins, and that no service has. */
  readonly recoverySeed = randomBytes(32);
  readonly #folder = mkdtempSync(join(tmpdir(), 'countersign-faults-'));
  readonly #watch: ReceiptWatch;
  readonly #writer: PlainWriter;
  readonly #loads: Load[] = [];
  #gateway: Service | undefined;

  constructor(
    readonly name: string,
    readonly brokers: readonly string[],
    /** Of every service, unless it is started with others. */
    private readonly env: Readonly<Record<string, string>> = {},
  ) {
    this.random = seededRandom(name);
    const recoveryKey = publicKeyOf(this.recoverySeed);
    this.home = openOrCreateHome(this.#folder, { name: `${name}.test`, lanes: LANES, topicPrefix: `${unique(name)}.`, recoveryKey }).home;
    this.#watch = new ReceiptWatch(this.home, brokers);
    this.#writer = PlainWriter.open(client(brokers));
  }

  /** Topics and births, a decider and a notary at work, the standard bundle, and both tenants. */
  async open(...names: readonly ServiceName[]): Promise<this> {
    await prepareLedger(this.home, this.brokers);
    for (const name of names) this.start(name);
    const bundle = loadBundleFolder('policies/standard');
    await populateLedger(this.home, this.brokers, {
      ...{ tenants: TENANTS, actors: DEMO_ACTORS, bundle, withinMs: POPULATE_MAX_MS },
      onProgress: () => undefined,
    }).catch((error: unknown) => this.#fail(error));
    this.#watch.start();
    return this;
  }

  /** Nothing of this world is left running, whatever has happened. No alarm may have come after the last look. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.services.map((service) => service.kill()), this.#watch.close(), this.#writer.close()]);
    rmSync(this.#folder, { recursive: true, force: true });
    expect(this.#alarms).toEqual([]);
  }

  start(name: ServiceName, env: Readonly<Record<string, string>> = {}): Service {
    const service = new Service(name, this, { ...this.env, ...env });
    this.services.push(service);
    if (name === 'gateway') this.#gateway = service;
    return service;
  }

  /** Callers of both tenants over the given channels. */
  load(callers: number, ...channels: readonly Channel[]): Load {
    const name = `${this.name}-${this.#loads.length}`;
    const onStuck = (error: unknown): never => this.#fail(error);
    const load = new Load({ name, watch: this.#watch, random: this.random, tenants: TENANTS, callers, channels, onStuck });
    this.#loads.push(load);
    return load.start();
  }

  /** Of the record that has this receipt, or whose payload has this digest. */
  async placeOf(name: string): Promise<Pick<Acknowledgement, 'partition' | 'offset'>> {
    const [partition = '', offset = ''] = (await this.#watch.placeOf(name)).split('/');
    return { partition: Number(partition), offset: BigInt(offset) };
  }

  gatewayPort(): Promise<number> {
    return this.#gateway?.port() ?? Promise.resolve(0);
  }

  /** The one of that name ends, in order, and another process takes its place. */
  async replace(name: ServiceName): Promise<void> {
    await this.services.findLast((service) => service.name === name)?.stop();
    this.start(name);
  }

  /** Signed, on `actions`, as a platform does it. */
  get kafka(): Channel {
    const { home, brokers } = this;
    const writer = this.#writer;
    const proposers = new Map(
      TENANTS.map((tenant) => {
        const { topicPrefix, name: ledger, lanes, initialised } = home.config;
        const issuer = `platform-${tenant}`;
        const options = {
          brokers,
          ledger,
          birth: initialised.sha256,
          tenant,
          lane: laneOf(tenant, lanes),
          issuer,
          seed: home.key(issuer),
          topicPrefix,
        };
        return [tenant, KafkaProposer.open(options, writer)] as const;
      }),
    );
    return {
      propose: async (tenant, id, body) => {
        const proposer = proposers.get(tenant as (typeof TENANTS)[number]);
        if (!proposer) throw new Error(`no proposer of ${tenant}`);
        return proposer.propose(body, { id, askedAt: new Date() });
      },
      garble: async (tenant, value) => {
        const partition = laneOf(tenant, home.config.lanes);
        const [base] = await writer.send([{ topic: home.topic('actions'), partition, key: Buffer.from(utf8(tenant)), value }]);
        if (!base || base.baseOffset < 0n) throw new Error('not acknowledged');
        return { partition, offset: base.baseOffset };
      },
    };
  }

  /** POST /v1/actions of the newest gateway. Only a 202 is an acknowledgement. */
  get http(): Channel {
    return {
      propose: async (tenant, id, body) => {
        const port = await this.#gateway?.port();
        const answer = await fetch(`http://127.0.0.1:${port ?? 0}/v1/actions`, {
          method: 'POST',
          headers: { authorization: `Bearer ${this.home.token(tenant) ?? ''}`, 'content-type': 'application/json' },
          body: JSON.stringify({ ...body, id }),
        });
        const { digest = '' } = (await answer.json()) as { digest?: string };
        if (answer.status !== 202) throw new Error(`answered ${answer.status}`);
        return this.placeOf(digest);
      },
    };
  }

  /** Trust file of the tenant's log. */
  async trust(tenant: string): Promise<string> {
    const port = await this.#gateway?.port();
    const url = `http://127.0.0.1:${port ?? 0}/v1/trust/${tenant}`;
    return until('the gateway knows the tenant', async () => {
      const answer = await fetch(url, { headers: { authorization: `Bearer ${this.home.token(tenant) ?? ''}` } });
      return answer.ok ? answer.text() : undefined;
    });
  }

  /** Ends every load, then waits until everything on the input topics has its receipt: also what others than the loads have sent. */
  async settle(): Promise<void> {
    for (const load of this.#loads) await load.stop();
    await until('every input has its receipt', async () => (await checkLedger(this.home, this.brokers)).pending === 0);
  }

  /** Ends every load, also that of a test that failed, then looks at everything from genesis: see expectSound. No process may have raised an alarm. */
  async expectSound(trial?: Trial): Promise<void> {
    for (const load of this.#loads) await load.stop();
    const acked = this.#loads.flatMap((load) => load.acked);
    await expectSound(this.home, this.brokers, acked, trial);
    expect(this.#alarms).toEqual([]);
  }

  get #alarms(): unknown[] {
    return this.services.flatMap(({ alarms }) => alarms.filter(({ code }) => !this.mayAlarm.includes(String(code))));
  }

  /** With what the services said, which is where the reason is. */
  #fail(cause: unknown): never {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error([why, ...this.services.map((service) => service.lastWords())].join('\n'), { cause });
  }
}
