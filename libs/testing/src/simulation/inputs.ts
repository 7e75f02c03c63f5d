import { codecs } from '#adapters';
import type { InputTopic } from '#domain';

import { laneBundle, NOTE } from '../lane/memory-lane.ts';
import { LANE_START_MS, Parties, type Signing } from '../lane/parties.ts';
import { testDocument } from '../policy/test-bundle.ts';
import type { Choices } from './random.ts';

export interface SimulatedInput {
  readonly topic: InputTopic;
  readonly value: Buffer | null;
}

export const FIRST_TENANT = 'acme';
const SECOND_TENANT = 'globex';
const TENANTS = [FIRST_TENANT, SECOND_TENANT];
/** Few, so that they come again, with the same content and with another. */
const IDS = ['a', 'b', 'c'];
/** ALLOW, ESCALATE, and two kinds of DENY. */
const RESOURCES = ['low', 'high', 'medium', 'frozen'];
/** Leaf indexes of a party, of first proposals, and of what may not be there yet. */
const ERASED = [['3'], ['4'], ['3', '4', '5'], ['1', '5', '6', '7'], ['9', '12']];
/** Unit s after the start: over before it is seen, soon, and late. */
const LIFETIMES_S = [-1, 20, 300];

/** Every owner parses it at every take-over: no more of a bundle than these histories ask for. */
const { note } = testDocument().classes;
const SMALL = {
  ...{ classes: { note }, contracts: {}, windows: {} },
  envelopes: { '*': { operations: [{ operation: 'write' }], resourceTypes: ['thing'] } },
};
const SHORT = { 'two-eyes': { group: 'owners', min: 1, expiresInSeconds: 60 }, board: { group: 'board', min: 2 } };

/** Signed once for all histories: a signature costs more than a step. What a record says is chosen; its bytes are remembered. */
export class SimulatedInputs {
  readonly parties = new Parties('simulation', 1);
  readonly #signed = new Map<string, Buffer>();
  readonly #bundles = [SMALL, { ...SMALL, approvalRules: SHORT }].map((change) => laneBundle(change).document);

  /** What a lane begins with: all of it, or as little as lets somebody propose. */
  births(tenants: readonly string[] = TENANTS): SimulatedInput[] {
    const value = this.#remembered('initialised', () => codecs.signedEnvelope.encode(this.parties.initialised));
    const registered = tenants.flatMap((tenant) => [this.#tenant(tenant), this.#platform(tenant)]);
    return [{ topic: 'controls', value }, ...registered, this.#bundle(0)];
  }

  /** Anything that anyone may publish. */
  draw(choices: Choices): SimulatedInput {
    const tenant = choices.chance(0.7) ? FIRST_TENANT : SECOND_TENANT;
    const kind = choices.between(0, 24);
    if (kind === 0) return { topic: choices.pick(['actions', 'outcomes', 'controls']), value: Buffer.from('garbage') };
    if (kind === 1) return { topic: choices.pick(['actions', 'outcomes', 'controls']), value: null };
    if (kind === 2) return this.#bundle(choices.between(0, 1));
    if (kind === 3) return this.#platform(tenant);
    if (kind === 4) return this.#control(`revoke ${tenant}`, { kind: 'issuer.revoked', tenant, body: { revokes: 'platform' } });
    if (kind === 5) return { ...this.#proposal(tenant, choices), topic: 'outcomes' };
    if (kind === 6) return this.#proposal('nobody', choices);
    if (kind === 7) return this.#tenant(tenant);
    if (kind === 8 || kind === 9) return this.#erasure(tenant, choices);
    return this.#proposal(tenant, choices);
  }

  #proposal(tenant: string, choices: Choices): SimulatedInput {
    const id = choices.pick(IDS);
    const resource = choices.chance(0.5) ? 'low' : choices.pick(RESOURCES);
    const lifetimeS = choices.pick(LIFETIMES_S);
    const signer = choices.chance(0.05) ? 'a stranger' : undefined;
    const again = choices.between(0, 1); // signed twice: other bytes that say the same
    const name = ['proposal', tenant, id, resource, lifetimeS, signer, again].join(' ');
    return {
      topic: 'actions',
      value: this.#sign(name, {
        ...{ kind: 'action.proposed', tenant, id, expiresAtMs: LANE_START_MS + lifetimeS * 1000 },
        body: { ...NOTE, resource: { type: 'thing', id: resource } },
        ...(signer === undefined ? {} : { signer }),
      }),
    };
  }

  #tenant(tenant: string): SimulatedInput {
    const body = { registers: tenant, lane: 0, ...this.parties.logOf(tenant) };
    return this.#control(`tenant ${tenant}`, { kind: 'tenant.registered', body });
  }

  #platform(tenant: string): SimulatedInput {
    const keys = [this.parties.publicKeyOf(this.parties.signerOf('platform', tenant))];
    return this.#control(`platform ${tenant}`, {
      kind: 'issuer.registered',
      tenant,
      body: { registers: 'platform', type: 'platform', keys },
    });
  }

  #erasure(tenant: string, choices: Choices): SimulatedInput {
    const [action, indexes] = [choices.pick(IDS), choices.pick(ERASED)];
    const body = { action, indexes, why: 'asked' };
    return this.#control(['erase', tenant, action, ...indexes].join(' '), { kind: 'input.erased', tenant, body });
  }

  #bundle(at: number): SimulatedInput {
    return this.#control(`bundle ${at}`, { kind: 'bundle.activated', body: { bundle: this.#bundles[at] } });
  }

  #control(name: string, signing: Signing): SimulatedInput {
    return { topic: 'controls', value: this.#sign(name, signing) };
  }

  #sign(name: string, signing: Signing): Buffer {
    const signed = { expiresAtMs: LANE_START_MS + 3_600_000, ...signing };
    return this.#remembered(name, () => this.parties.value(signed, LANE_START_MS - 1000));
  }

  #remembered(name: string, make: () => Uint8Array): Buffer {
    const known = this.#signed.get(name);
    if (known) return known;
    const value = Buffer.from(make());
    this.#signed.set(name, value);
    return value;
  }
}
