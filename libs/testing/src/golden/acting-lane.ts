import { base64url, type Entry, formatTime, type FreezeLevel, type FreezeScope, signStatement } from '#domain';

import { MemoryLane } from '../lane/memory-lane.ts';
import { stated, statedWayBack } from '../lane/stated.ts';
import type { Signing } from '../lane/parties.ts';

/** Stands for digests of states, and of what a health check showed. */
const DIGEST = 'ab'.repeat(32);

export interface Claimed {
  readonly decision: string;
  readonly claim: string;
}

/** A lane of which executors, approvers and an incident desk are at work for `acme`. */
export class ActingLane extends MemoryLane {
  /** What people are asked about, unless `body` says otherwise. */
  ask(id: string, body: object = {}, more: Partial<Signing> = {}): Entry {
    const asker = this.state.rules === 1 ? 'bot' : 'eves-bot';
    return this.only(this.propose(id, { actor: { kind: 'agent', id: asker, actingFor: 'eve' }, ...high, ...body }, more));
  }

  /** A change of which somebody tested the artifact, and which names a way back. */
  change(id: string, { target = 'low', amount = 1, evidence = this.shown(target), body = {} }: Change = {}): Entry {
    const parameters = { tenant: 'acme', target, artifact: 'v2', amount, back: { operation: 'undo', reference: 'v1' } };
    const about = { class: 'change', connector: 'tool', operation: 'apply', resource: { type: 'thing', id: target } };
    return this.only(this.propose(id, { ...about, parameters, evidence, ...body }));
  }

  claim(of: Entry, id: string, { issuer = 'runner', ...body }: { readonly issuer?: string; readonly receipt?: string } = {}): Claimed {
    const decision = of.statement.predicate.index;
    this.#says('claim.requested', { decision, receipt: this.receiptOf(of), ...body }, { issuer, id });
    return { decision, claim: id };
  }

  report(
    of: Claimed,
    kind: string,
    status: string,
    { issuer = 'runner', ...more }: { readonly issuer?: string; readonly before?: undefined } = {},
  ): void {
    const states = kind === 'healthcheck' ? { evidence: [{ type: 'probe', digest: DIGEST }] } : { before: DIGEST, after: DIGEST };
    this.#says('outcome.reported', { ...of, kind, status, ...states, ...more }, { issuer });
  }

  /** The last entry that it makes: the settlement, when it brings one about. */
  vote(of: Entry, by: string, more: object = {}): Entry {
    const { index, bindingDigest } = of.statement.predicate;
    const entries = this.control('approval.recorded', 'acme', { decision: index, bindingDigest, vote: 'approve', by, ...more });
    return this.only(entries.slice(-1));
  }

  freeze(id: string, level: FreezeLevel, scope: FreezeScope, more: object = {}): void {
    this.control('freeze.raised', '_system', { level, scope, why: 'incident 7', by: 'ana', ...more }, { id });
  }

  lift(lifts: string, by = 'ben'): void {
    this.control('freeze.lifted', '_system', { lifts, by, why: 'it is over' });
  }

  /** All that a change must show. Under rules 1 nobody vouches for a way back. */
  shown(target: string): readonly object[] {
    const resource = { type: 'thing', id: target };
    return this.#version === 1 ? [this.tested(target)] : [this.tested(target), statedWayBack(this, { resource })];
  }

  tested(target: string): object {
    return stated(this, { resource: { type: 'thing', id: target }, version: this.#version });
  }

  incident(target: string, incident: string): object {
    return signStatement({ ...this.#stated(target), type: 'incident', incident }, this.parties.seedOf('desk of acme'));
  }

  get #version(): 1 | 2 {
    return this.birth.rules;
  }

  only(entries: readonly Entry[]): Entry {
    const [entry] = entries;
    if (!entry || entries.length > 1) throw new Error(`one entry, not ${entries.length}`);
    return entry;
  }

  #stated(target: string) {
    const times = { issuedAt: formatTime(this.nowMs), expiresAt: formatTime(this.nowMs + 3_600_000) };
    const counted = this.#version === 1 ? {} : { blind: base64url(this.parties.draw()), birth: this.birth.initialisedDigest };
    return { tenant: 'acme', resource: { type: 'thing', id: target }, ...times, ...counted };
  }

  #says(kind: Signing['kind'], body: object, more: Partial<Signing>): void {
    this.when('outcomes', this.sign({ kind, tenant: 'acme', body, ...more }));
  }
}

interface Change {
  readonly target?: string;
  readonly amount?: number;
  readonly evidence?: readonly object[];
  readonly body?: object;
}

const high = { resource: { type: 'thing', id: 'high' } };
