import { formatTime } from '#domain';

import { GATEWAY_TOKEN, LANE_START_MS } from '../lane/parties.ts';
import type { Choices } from './random.ts';
import type { SimulatedInput, SignedInputs } from './signed-inputs.ts';
import { ACTOR, IDS } from './proposals.ts';
import { SIMULATED_BUNDLES } from './simulated-bundle.ts';

/** Leaf indexes of a party, of first proposals, and of what may not be there yet. */
const ERASED = [['2'], ['5'], ['6'], ['7'], ['5', '6', '7'], ['1', '6', '7', '8'], ['10', '13']];
/** Few, so that they come again. */
const FREEZES = ['f1', 'f2'];
/** Unit s after the start; the first: until lifted. */
const FROZEN_UNTIL_S = [Infinity, 30, 200];
const SCOPES = [
  ...[{ kind: 'all' }, { kind: 'tenant', value: 'acme' }, { kind: 'class', value: 'change' }],
  ...[
    { kind: 'connector', value: 'tool' },
    { kind: 'agent', value: ACTOR.id },
    { kind: 'agent', value: 'nobody' },
  ],
];

const SAYS = [{ kind: ACTOR.kind, id: ACTOR.id, actingFor: [ACTOR.actingFor] }];

/** What the admin signs. */
export class SimulatedControls {
  constructor(private readonly signed: SignedInputs) {}

  tenant(tenant: string): SimulatedInput {
    const body = { registers: tenant, lane: 0, ...this.signed.parties.logOf(tenant) };
    return this.signed.remembered({ kind: 'tenant.registered', body });
  }

  issuer(tenant: string, issuer: string, type: 'platform' | 'executor' | 'ci'): SimulatedInput {
    const { parties } = this.signed;
    const keys = [parties.publicKeyOf(parties.signerOf(issuer, tenant))];
    const says = type === 'platform' ? { actors: SAYS } : {};
    return this.signed.remembered({ kind: 'issuer.registered', tenant, body: { registers: issuer, type, keys, ...says } });
  }

  /** For the gateway: what the platform may say. */
  token(tenant: string): SimulatedInput {
    const validUntil = formatTime(LANE_START_MS + 3_600_000);
    const body = { token: GATEWAY_TOKEN, tokenHash: 'ab'.repeat(32), roles: ['propose'], actors: SAYS, validUntil };
    return this.signed.remembered({ kind: 'token.issued', tenant, body });
  }

  tokenRevocation(tenant: string): SimulatedInput {
    return this.signed.remembered({ kind: 'token.revoked', tenant, body: { revokes: GATEWAY_TOKEN } });
  }

  revocation(tenant: string, issuer: string): SimulatedInput {
    return this.signed.remembered({ kind: 'issuer.revoked', tenant, body: { revokes: issuer } });
  }

  /** The first or the second of the decider's or the gateway's rotations: one that comes out of turn is refused. */
  keyRotation(choices: Choices): SimulatedInput {
    const body = this.signed.parties.offerAfter(choices.pick(['decider', 'decider', 'gateway']), choices.pick([0, 0, 1]));
    return this.signed.remembered({ kind: 'key.rotated', body });
  }

  logRotation(choices: Choices): SimulatedInput {
    const rotates = choices.pick(['_system.0', 'acme', 'globex']);
    const body = { rotates, lane: 0, ...this.signed.parties.nextLogOf(rotates, choices.pick([0, 1])) };
    return this.signed.remembered({ kind: 'log.rotated', body });
  }

  bundle(at: number): SimulatedInput {
    return this.signed.remembered({ kind: 'bundle.activated', body: { bundle: SIMULATED_BUNDLES[at]?.document } });
  }

  freeze(choices: Choices): SimulatedInput {
    const untilS = choices.pick(FROZEN_UNTIL_S);
    const until = untilS === Infinity ? {} : { until: formatTime(LANE_START_MS + untilS * 1000) };
    const body = { level: choices.pick(['freeze', 'stop']), scope: choices.pick(SCOPES), why: 'incident', by: 'ana', ...until };
    return this.signed.remembered({ kind: 'freeze.raised', id: choices.pick(FREEZES), body });
  }

  /** By another person than the one who raised it, or not. */
  lift(choices: Choices): SimulatedInput {
    const body = { lifts: choices.pick(FREEZES), by: choices.chance(0.7) ? 'ben' : 'Ana', why: 'over' };
    return this.signed.remembered({ kind: 'freeze.lifted', body });
  }

  /** By an operator who saw that the lane's time lies ahead, at `nowMs`. */
  correction(laneTimeMs: number, nowMs: number): SimulatedInput {
    const times = { issuedAtMs: nowMs, expiresAtMs: nowMs + 3_600_000 };
    return this.signed.fresh({ kind: 'time.corrected', body: { lane: 0, laneTime: formatTime(laneTimeMs) }, ...times });
  }

  erasure(tenant: string, choices: Choices): SimulatedInput {
    const body = { action: choices.pick(IDS), indexes: choices.pick(ERASED), why: 'asked' };
    return this.signed.remembered({ kind: 'input.erased', tenant, body });
  }
}
