/** Callers that propose, wait for the receipt, and propose again: as much as the system takes, and never more than that is on its way. */
import { setTimeout as delay } from 'node:timers/promises';

import type { Acknowledgement } from '#domain';
import type { ProposalBody } from '#sdk';

import { until } from '../support/kafka.ts';
import { between } from './random.ts';
import { placeOf, type ReceiptWatch } from './receipt-watch.ts';

/** An input that its producer knows to be accepted. */
export interface Acked extends Acknowledgement {
  readonly topic: 'actions';
  /** False for bytes that are no proposal: they get a receipt, and nobody waits for a verdict. */
  readonly isProposal: boolean;
  /** Of the action, where it is known: the receipt must name it. */
  readonly id?: string;
}

/** One way to hand an input over. Throws when it is not acknowledged: then it may have arrived, or not. */
export interface Channel {
  propose(tenant: string, id: string, body: ProposalBody): Promise<Pick<Acknowledgement, 'partition' | 'offset'>>;
  /** Bytes that are no proposal; a channel that cannot carry them leaves it out. */
  garble?(tenant: string, bytes: Buffer): Promise<Pick<Acknowledgement, 'partition' | 'offset'>>;
}

export interface LoadOptions {
  readonly name: string;
  readonly watch: ReceiptWatch;
  readonly random: () => number;
  readonly tenants: readonly string[];
  /** Each tenant's callers, shared out among the channels. */
  readonly callers: number;
  readonly channels: readonly Channel[];
  /** Called when what is waited for never happened: throws with the reason. */
  readonly onStuck: (error: unknown) => never;
}

/** Processes start meanwhile. */
const PATIENT = { patienceMs: 90_000 };
/** Unit ms. What a caller waits before it asks again. */
const ASK_AGAIN_MS = 20;
/** Of so many inputs one is bytes that are no proposal, one an id that was used before, and one of an unknown class. */
const ODD_ONE_IN = 12;

export class Load {
  readonly acked: Acked[] = [];
  /** How often nobody acknowledged. */
  unacknowledged = 0;
  #sent = 0;
  #answered = 0;
  #stopping = false;
  #callers: Promise<unknown> = Promise.resolve();
  #isDone = false;
  /** What each caller is waiting for: the first thing to look at when one never ends. */
  readonly #doing = new Map<object, string>();

  constructor(private readonly options: LoadOptions) {}

  start(): this {
    const { tenants, callers, channels } = this.options;
    const each = tenants.flatMap((tenant) =>
      Array.from({ length: callers }, (_, at) => this.#call(tenant, channels[at % channels.length])),
    );
    this.#callers = Promise.all(each).then(() => (this.#isDone = true));
    return this;
  }

  /** Resolves when so many more inputs have their receipts. */
  async more(count: number): Promise<void> {
    const wanted = this.#answered + count;
    await until(`${count} more receipts while proposals keep coming`, () => this.#answered >= wanted, PATIENT).catch(this.options.onStuck);
  }

  /** Resolves when every caller has the receipt of its last input. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await until('every caller has its last receipt', () => this.#isDone, PATIENT).catch((error: unknown) =>
      this.options.onStuck(new Error([String(error), ...this.#doing.values()].join('\n'), { cause: error })),
    );
    await this.#callers;
  }

  async #call(tenant: string, channel: Channel | undefined): Promise<void> {
    const caller = {};
    while (channel && !this.#stopping) {
      const acked = await this.#hand(tenant, channel, caller);
      this.acked.push(acked);
      this.#doing.set(caller, `${tenant}: waits for the receipt of ${placeOf(acked.partition, acked.offset)}`);
      await this.options.watch.of(placeOf(acked.partition, acked.offset));
      this.#answered += 1;
    }
    this.#doing.delete(caller);
  }

  /** Again and again until it is acknowledged, with the same id. */
  async #hand(tenant: string, channel: Channel, caller: object): Promise<Acked> {
    const { random, name } = this.options;
    const odd = between(random, 1, ODD_ONE_IN);
    const number = this.#sent++;
    const id = `${name}-${odd === 2 ? Math.floor(number / 2) : number}`;
    const body = bodyOf(tenant, odd === 3);
    for (;;) {
      try {
        if (odd === 1 && channel.garble) {
          const place = await channel.garble(tenant, Buffer.from(`no proposal ${number}`));
          return { topic: 'actions', ...place, isProposal: false };
        }
        return { topic: 'actions', ...(await channel.propose(tenant, id, body)), isProposal: true, id };
      } catch (error) {
        this.#doing.set(caller, `${tenant}: ${id} was not acknowledged: ${String(error)}`);
        this.unacknowledged += 1;
        await delay(ASK_AGAIN_MS);
      }
    }
  }
}

/** What the standard policy allows without people. */
function bodyOf(tenant: string, isUnknownClass: boolean): ProposalBody {
  return {
    actor: { kind: 'agent', id: 'agent-7' },
    class: isUnknownClass ? 'nobody.knows' : 'record.write',
    connector: 'crm',
    operation: 'update-record',
    parameters: { tenantId: tenant, recordType: 'customer', recordId: 'c-1', fields: { tier: 'gold' } },
    resource: { type: 'record', id: 'customer' },
  };
}
