import { LANE_START_MS } from '../lane/parties.ts';
import { NOTE } from '../lane/memory-lane.ts';
import type { Choices } from './random.ts';
import type { SimulatedInput, SignedInputs } from './signed-inputs.ts';

/** Few, so that they come again, with the same content and with another. */
export const IDS = ['a', 'b', 'c'];
/** Who acts, and for whom. */
export const ACTOR = { kind: 'agent', id: 'bot', actingFor: 'eve' };
/** ALLOW, ESCALATE, and two kinds of DENY. */
const RESOURCES = ['low', 'high', 'medium', 'frozen'];
/** Of a change: allowed, and one of which two people are asked. */
const AMOUNTS = [1, 1000];
/** Unit s after the start: over before it is seen, soon, and late. */
const LIFETIMES_S = [-1, 20, 300];

export class Proposals {
  constructor(private readonly signed: SignedInputs) {}

  draw(tenant: string, choices: Choices): SimulatedInput {
    const resource = choices.chance(0.5) ? 'low' : choices.pick(RESOURCES);
    const body = choices.chance(0.6) ? note(resource) : change(tenant, resource, choices.pick(AMOUNTS));
    const by = choices.chance(0.05) ? { signer: 'a stranger' } : choices.chance(0.2) ? { issuer: 'gateway' } : {};
    return this.#proposal({ tenant, id: choices.pick(IDS), body, lifetimeS: choices.pick(LIFETIMES_S), by }, choices.between(0, 1));
  }

  /** A change that is allowed, and one of which two people are asked, as the gateway says for a token. */
  first(tenant: string): SimulatedInput[] {
    return AMOUNTS.map((amount, at) => {
      const by = at === 0 ? {} : { issuer: 'gateway' };
      return this.#proposal({ tenant, id: IDS[at] ?? '', body: change(tenant, 'low', amount), lifetimeS: 300, by });
    });
  }

  /** Signed twice, it says the same in other bytes. */
  #proposal({ tenant, id, body, lifetimeS, by = {} }: Proposed, time = 0): SimulatedInput {
    const of = { kind: 'action.proposed' as const, tenant, id, body, expiresAtMs: LANE_START_MS + lifetimeS * 1000 };
    return this.signed.remembered({ ...of, ...by }, time);
  }
}

interface Proposed {
  readonly tenant: string;
  readonly id: string;
  readonly body: object;
  readonly lifetimeS: number;
  readonly by?: { readonly signer?: string; readonly issuer?: string };
}

const note = (resource: string): object => ({ ...NOTE, actor: ACTOR, resource: { type: 'thing', id: resource } });

function change(tenant: string, resource: string, amount: number): object {
  const parameters = { tenant, target: resource, artifact: 'new', amount, back: { operation: 'apply', reference: 'old' } };
  return { ...note(resource), class: 'change', connector: 'tool', operation: 'apply', parameters };
}
