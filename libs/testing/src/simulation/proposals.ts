import { sha256, sha256Hex } from '#crypto';
import { base64url, type Evidence, formatTime, fromBase64, signStatement, utf8 } from '#domain';

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

/** Who vouches for the way back of a change. */
export const BUILDS = 'builds';
/** How many decisions each of its statements may count for. */
const USES = [2, 1];
/** By the digest of a statement. */
export const USES_OF = new Map<string, number>();

export class Proposals {
  readonly #stated = new Map<string, Evidence>();

  constructor(private readonly signed: SignedInputs) {}

  draw(tenant: string, choices: Choices): SimulatedInput {
    const resource = choices.chance(0.5) ? 'low' : choices.pick(RESOURCES);
    const body = choices.chance(0.6) ? note(resource) : this.#change(tenant, resource, choices.pick(AMOUNTS), choices.pick([0, 0, 1]));
    const by = choices.chance(0.05) ? { signer: 'a stranger' } : choices.chance(0.2) ? { issuer: 'gateway' } : {};
    return this.#proposal({ tenant, id: choices.pick(IDS), body, lifetimeS: choices.pick(LIFETIMES_S), by }, choices.between(0, 1));
  }

  /** A change that is allowed, and one of which two people are asked, as the gateway says for a token. */
  first(tenant: string): SimulatedInput[] {
    return AMOUNTS.map((amount, at) => {
      const by = at === 0 ? {} : { issuer: 'gateway' };
      return this.#proposal({ tenant, id: IDS[at] ?? '', body: this.#change(tenant, 'low', amount, 0), lifetimeS: 300, by });
    });
  }

  #change(tenant: string, resource: string, amount: number, stated: number): object {
    const parameters = { tenant, target: resource, artifact: 'new', amount, back: { operation: 'apply', reference: 'old' } };
    const evidence = [this.#wayBack(tenant, resource, stated)];
    return { ...note(resource), class: 'change', connector: 'tool', operation: 'apply', parameters, evidence };
  }

  /** The same statement each time, for all histories. */
  #wayBack(tenant: string, resource: string, which: number): Evidence {
    const name = `${tenant} ${resource} ${which}`;
    const known = this.#stated.get(name);
    if (known) return known;
    const { parties } = this.signed;
    const about = { tenant, resource: { type: 'thing', id: resource }, operation: 'apply', artifactDigest: 'old' };
    const times = { issuedAt: formatTime(LANE_START_MS - 1000), expiresAt: formatTime(LANE_START_MS + 3_600_000) };
    const uses = USES[which] ?? 1;
    const statement = {
      type: 'ci',
      conclusion: 'success',
      ...about,
      ...times,
      uses,
      blind: base64url(sha256(utf8(name))),
      birth: parties.birth.initialisedDigest,
    } as const;
    const evidence = signStatement(statement, parties.seedOf(parties.signerOf(BUILDS, tenant)));
    USES_OF.set(sha256Hex(fromBase64(evidence.payload)), uses);
    this.#stated.set(name, evidence);
    return evidence;
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
