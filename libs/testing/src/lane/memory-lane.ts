import { createCipheriv } from 'node:crypto';

import { codecs, wire } from '#adapters';
import { hkdfSha256, sha256Hex } from '#crypto';
import {
  type BatchEntry,
  buildBatch,
  type Bundle,
  concat,
  decide,
  type DecideContext,
  type Decided,
  decodeState,
  emptyLane,
  encodeState,
  erasedNames,
  type Entry,
  evolve,
  firstDue,
  formatTime,
  fromUtf8,
  type KeyRole,
  type Input,
  type InputTopic,
  laneNow,
  type LaneState,
  type PolicyEngine,
  RULES,
  type Rules,
  SYSTEM_TENANT,
  utf8,
} from '#domain';

import { FakeEngine } from '../policy/fake-engine.ts';
import { testBundle } from '../policy/test-bundle.ts';
import { checkEntrySchema } from './entry-schema.ts';
import { attest, type LaneTopics, replayLane } from './lane-topics.ts';
import type { Forging } from './forged-permit.ts';
import { GATEWAY_TOKEN, LANE_START_MS, Parties, type Signing } from './parties.ts';

export interface MemoryLaneOptions {
  readonly seed?: string;
  readonly lane?: number;
  readonly lanes?: number;
  readonly engine?: PolicyEngine;
  /** Default: those of a new ledger. */
  readonly rules?: Rules;
}
export interface Given {
  readonly topic: InputTopic;
  readonly value: Uint8Array | null;
}

/** One lane's decider without Kafka: the same core, the same records, kept in arrays. Same seed and calls, same bytes. */
export class MemoryLane implements LaneTopics {
  readonly parties: Parties;
  readonly lane: number;
  engine: PolicyEngine;
  nowMs = LANE_START_MS;
  state: LaneState;
  /** Everything decided so far, as `decide` gave it. */
  readonly entries: Entry[] = [];
  readonly ledger: Uint8Array[] = [];
  /** As a broker would say it whose clock is the lane's. */
  readonly appendedAtMs: number[] = [];
  readonly inputKeys = new Map<string, Uint8Array>();
  readonly deadLetters = new Map<string, Uint8Array>();
  readonly inputs: Record<InputTopic, (Uint8Array | null)[]> = { controls: [], outcomes: [], actions: [] };

  constructor({ seed = 'memory lane', lane = 0, lanes = 1, engine = new FakeEngine(), rules = RULES }: MemoryLaneOptions = {}) {
    this.parties = new Parties(seed, lanes, undefined, rules);
    this.lane = lane;
    this.engine = engine;
    this.state = emptyLane(this.parties.birth, lane);
  }

  get birth(): Parties['birth'] {
    return this.parties.birth;
  }

  /** A lane with a bundle in force and, for each tenant, a platform that may propose. */
  static ready(tenants: readonly string[] = ['acme'], options: MemoryLaneOptions = {}): MemoryLane {
    const lane = new MemoryLane(options);
    lane.initialise();
    for (const tenant of tenants) {
      lane.registerTenant(tenant);
      lane.registerIssuer(tenant, 'platform', 'platform');
    }
    lane.activate();
    return lane;
  }

  initialise(): Entry[] {
    return this.when('controls', wireOf({ ...this.parties.initialised, lane: this.lane }));
  }

  registerTenant(tenant: string, body: object = {}): Entry[] {
    const log = this.parties.logOf(tenant);
    return this.control('tenant.registered', SYSTEM_TENANT, { registers: tenant, lane: this.lane, ...log, ...body });
  }

  registerIssuer(tenant: string, issuer: string, type: string, more: object = {}): Entry[] {
    const keys = [this.parties.publicKeyOf(this.parties.signerOf(issuer, tenant))];
    const says = type === 'platform' && this.state.rules > 1 ? { actors: ACTORS } : {};
    return this.control('issuer.registered', tenant, { registers: issuer, type, keys, ...says, ...more });
  }

  /** A token for the gateway: the one that proposals of the issuer `gateway` name, unless told otherwise. */
  issueToken(tenant: string, token = GATEWAY_TOKEN, more: object = {}): Entry[] {
    const validUntil = formatTime(this.nowMs + 30 * 86_400_000);
    const tokenHash = sha256Hex(utf8(`${tenant} ${token}`));
    const body = { token, tokenHash, roles: ['propose', 'read'], actors: ACTORS, validUntil };
    return this.control('token.issued', tenant, { ...body, ...more });
  }

  /** For `forgedPermit`: two decisions of acme. */
  forging(denied: Entry, allowed: Entry): Forging {
    const tree = this.entries.filter(({ tenant }) => tenant === 'acme').map(({ bytes }) => bytes);
    return { tree, denied: denied.statement, allowed: allowed.statement, seed: this.parties.keys.seed(denied.statement.predicate.origin) };
  }

  /** Another key for one of the ledger's roles, with a good offer. */
  rotateKey(role: KeyRole, more: Partial<Signing> = {}): Entry[] {
    const { offer, take } = this.parties.offer(role);
    const entries = this.control('key.rotated', SYSTEM_TENANT, offer, role === 'recovery' ? { issuer: 'recovery', ...more } : more);
    if (entries[0]?.kind === 'key.rotated') take();
    return entries;
  }

  /** Closes the log of a tenant, or the lane's own, and opens the next one. */
  rotateLog(tenant: string, body: object = {}): Entry[] {
    const next = this.parties.nextLogOf(tenant, this.state.heads.closed.size);
    return this.control('log.rotated', SYSTEM_TENANT, { rotates: tenant, lane: this.lane, ...next, ...body });
  }

  activate(bundle: Bundle = laneBundle(this.birth.rules === 1 ? { format: 1 } : {})): Entry[] {
    return this.control('bundle.activated', SYSTEM_TENANT, { bundle: bundle.document });
  }

  control(kind: Signing['kind'], tenant: string, body: object, more: Partial<Signing> = {}): Entry[] {
    return this.when('controls', this.sign({ kind, tenant, body, ...more }));
  }

  propose(id: string, body: object = {}, more: Partial<Signing> = {}): Entry[] {
    return this.when('actions', this.proposal(id, body, more));
  }

  /** Allowed as it stands: a note on a thing of low risk. */
  proposal(id: string, body: object = {}, more: Partial<Signing> = {}): Uint8Array {
    return this.sign({ kind: 'action.proposed', id, body: { ...NOTE, ...body }, ...more });
  }

  sign(signing: Signing): Uint8Array {
    return this.parties.value({ lane: this.lane, ...signing }, this.nowMs);
  }

  /** One record, decided in a batch of its own; what is due comes first, in that batch. Returns the record's own entries. */
  when(topic: InputTopic, value: Uint8Array | null): Entry[] {
    return this.batch([{ topic, value }])[0] ?? [];
  }

  /** Settles what is due. */
  tick(): Entry[] {
    const from = this.entries.length;
    this.batch([]);
    return this.entries.slice(from);
  }

  /** Several records in one batch, at one time. Returns the entries of each. */
  batch(inputs: readonly Given[]): Entry[][] {
    const sealed: BatchEntry[] = [];
    const sealer = this.parties.holderOf('decider');
    const now = (): number => laneNow(this.state, this.nowMs);
    while (firstDue(this.state.due, now)) this.#take(this.decide({ kind: 'tick' }), sealed);
    const answers = inputs.map((given) => this.#record(given, sealed));
    if (sealed.length > 0) {
      this.ledger.push(...buildBatch(this.state.heads, sealed, this.parties.seedOf(sealer), wire).values);
      while (this.appendedAtMs.length < this.ledger.length) this.appendedAtMs.push(this.nowMs);
    }
    return answers;
  }

  /** The core alone: nothing is kept of it. */
  decide(input: Input, nowMs = this.nowMs): Decided {
    const context: DecideContext = { nowMs, engine: this.engine, wire, birth: this.birth };
    return decide(this.state, input, context);
  }

  /** The .tlog-proof file of one of `entries`, as the notary would publish it. */
  receiptOf(entry: Entry): string {
    const { receipts } = attest(this, this.parties.keys);
    return fromUtf8(receipts[this.entries.indexOf(entry)]?.proof ?? new Uint8Array());
  }

  /** Loses the memory and reads the ledger again, from genesis or from a snapshot of `from` records. */
  restart(snapshot?: { readonly bytes: Uint8Array; readonly from: number }): this {
    const start = snapshot ? decodeState(snapshot.bytes, this.birth, this.lane) : emptyLane(this.birth, this.lane);
    this.state = replayLane(this, start, snapshot?.from ?? 0);
    return this;
  }

  snapshot(): { bytes: Uint8Array; from: number } {
    return { bytes: encodeState(this.state), from: this.ledger.length };
  }

  #record({ topic, value }: Given, sealed: BatchEntry[]): Entry[] {
    const inputKey = this.parties.draw();
    const { next } = this.state.positions[topic];
    const decided = this.decide({ kind: 'record', topic, offset: next, value, inputKey });
    this.inputs[topic].push(value);
    this.#take(decided, sealed, { value, inputKey });
    return [...decided.entries];
  }

  #take(decided: Decided, sealed: BatchEntry[], from?: { value: Uint8Array | null; inputKey: Uint8Array }): void {
    decided.entries.forEach((entry, part) => {
      checkEntrySchema(entry.kind, entry.bytes);
      evolve(this.state, entry, decided.facts);
      this.entries.push(entry);
      const { origin, index } = entry.statement.predicate;
      if (from) this.inputKeys.set(`${origin}\0${index}`, part === 0 ? from.inputKey : this.parties.draw());
      if (entry.kind === 'input.erased') {
        for (const name of erasedNames(entry.statement.predicate)) this.inputKeys.delete(name);
      }
      if (decided.deadLetter) this.deadLetters.set(`${origin}\0${index}`, from?.value ?? new Uint8Array());
      sealed.push({ entry, inputForm: entry.inputForm, input: this.#inputOf(entry, from) });
    });
  }

  #inputOf({ inputForm }: Entry, from?: { value: Uint8Array | null; inputKey: Uint8Array }): Uint8Array {
    if (!from?.value || inputForm === 'none') return new Uint8Array();
    return inputForm === 'plain' ? from.value : seal(from.value, from.inputKey, this.parties.draw().subarray(0, 12));
  }
}

/** Names that tests use for who acts for itself; everybody else may be said, and an agent of another id acts for a person whom it names. */
export const ACTORS = [
  ...['bot', 'bot-2', 'bot2', 'other'].map((id) => ({ kind: 'agent', id })),
  { kind: 'agent', id: '*', actingFor: ['*'] },
  { kind: 'person', id: '*' },
  { kind: 'pipeline', id: '*' },
];

/** The body of a proposal that is allowed as it stands. */
export const NOTE = {
  actor: { kind: 'agent', id: 'bot' },
  class: 'note',
  operation: 'write',
  parameters: {},
  resource: { type: 'thing', id: 'low' },
};

/** testBundle, for any tenant. */
export const laneBundle = (change: Parameters<typeof testBundle>[0] = {}): Bundle =>
  testBundle({
    envelopes: {
      '*': { operations: [{ connector: 'tool', operation: 'apply' }, { operation: 'write' }], resourceTypes: ['thing', 'other'] },
    },
    ...change,
  });

const wireOf = (envelope: Parameters<typeof codecs.signedEnvelope.encode>[0]): Uint8Array => codecs.signedEnvelope.encode(envelope);

/** As sealInput, with a nonce that is given: the same lane must give the same bytes. */
function seal(value: Uint8Array, inputKey: Uint8Array, nonce: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', hkdfSha256(inputKey, utf8('countersign/input/v1\0')), nonce);
  return concat(nonce, cipher.update(value), cipher.final(), cipher.getAuthTag());
}
