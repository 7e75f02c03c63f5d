/** Freezes and emergency stops of one lane: which are in force, and who may raise and lift them. */

import type { EntryActor } from './sender.ts';

/** freeze: denies, but an approved rollback may be claimed; stop: denies that as well. */
export type FreezeLevel = 'freeze' | 'stop';
export interface FreezeScope {
  readonly kind: 'all' | 'tenant' | 'class' | 'connector' | 'agent';
  /** Absent for `all`. */
  readonly value?: string;
}
export interface Freeze {
  readonly id: string;
  readonly level: FreezeLevel;
  readonly scope: FreezeScope;
  /** The person who raised it. */
  readonly by: string;
  /** Over from this moment on, POSIX milliseconds; null: until lifted. */
  readonly untilMs: number | null;
  readonly lifted: boolean;
}
/** By id, in the order in which they were raised. */
export type FreezeBook = Map<string, Freeze>;
export interface Frozen {
  readonly level: FreezeLevel;
  /** Id of the freeze in force. */
  readonly freeze: string;
}

/**
 * In force at once on a lane, of each level: each proposal and each claim looks at all of them. Stops are counted by themselves, so that
 * no number of freezes keeps an emergency stop out.
 */
export const FREEZES_PER_LEVEL_MAX = 128;
/** Ended ones whose ids are still known by name, so that memory stays bounded. */
export const ENDED_FREEZES_MAX = 128;

interface FrozenLane {
  readonly freezes: ReadonlyMap<string, Freeze>;
}
/** What an action is, as far as a freeze can tell. A claim has the class, connector and agent of the decision that it claims. */
export interface FreezeSubject {
  readonly tenant: string;
  readonly class: string;
  readonly connector?: string | undefined;
  /** Id of the actor, of whatever kind. */
  readonly agent: string;
  /** Its credential may say any id, so that a freeze of any agent is a freeze of this one: another id must not escape it. */
  readonly anyAgent?: boolean;
}

/** Of an actor as an entry names it. */
export const agentOf = ({ id, listedAs }: EntryActor): Pick<FreezeSubject, 'agent' | 'anyAgent'> =>
  listedAs === undefined ? { agent: id } : { agent: id, anyAgent: true };

/** What stands in the way of `subject` at `nowMs`, which is laneNow: a stop before a freeze, the one raised first before the later. */
export function freezeFor({ freezes }: FrozenLane, subject: FreezeSubject, nowMs: number): Frozen | undefined {
  let frozen: Frozen | undefined;
  for (const freeze of freezes.values()) {
    if (!isInForce(freeze, nowMs) || !covers(freeze.scope, subject)) continue;
    if (freeze.level === 'stop') return { level: 'stop', freeze: freeze.id };
    frozen ??= { level: 'freeze', freeze: freeze.id };
  }
  return frozen;
}

export const isInForce = ({ lifted, untilMs }: Freeze, nowMs: number): boolean => !lifted && (untilMs === null || nowMs < untilMs);

function covers({ kind, value }: FreezeScope, subject: FreezeSubject): boolean {
  return kind === 'all' || value === subject[kind] || (kind === 'agent' && subject.anyAgent === true);
}

export type NewFreeze = Omit<Freeze, 'lifted'>;

/** Why it cannot be raised, in one word; undefined when it can. A tenant of another lane is that lane's to know. */
export function refusalOfRaise({ freezes }: FrozenLane, freeze: NewFreeze, knowsTenant: boolean, nowMs: number): string | undefined {
  if (freezes.has(freeze.id)) return 'exists';
  if (freeze.scope.kind === 'tenant' && !knowsTenant) return 'unknown-tenant'; // a misspelt name would stop nobody
  if (freeze.untilMs !== null && nowMs >= freeze.untilMs) return 'until-passed';
  let inForce = 0;
  for (const other of freezes.values()) if (other.level === freeze.level && isInForce(other, nowMs)) inForce += 1;
  return inForce >= FREEZES_PER_LEVEL_MAX ? 'limit' : undefined;
}

/** The freeze to lift, or why it cannot be, in one word. Lifting takes a second person. */
export function liftable({ freezes }: FrozenLane, lifts: string, by: string, nowMs: number): Freeze | string {
  const freeze = freezes.get(lifts);
  if (!freeze) return 'unknown-freeze';
  if (freeze.lifted) return 'already-lifted';
  if (!isInForce(freeze, nowMs)) return 'until-passed';
  return isSamePerson(freeze.by, by) ? 'same-person' : freeze;
}

/** Ids are case-sensitive; people are not: Ana does not lift what ana raised. */
const isSamePerson = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

/** Forgets the oldest ended ones beyond ENDED_FREEZES_MAX. */
export function raise(freezes: FreezeBook, freeze: NewFreeze, nowMs: number): void {
  freezes.set(freeze.id, { ...freeze, lifted: false });
  const ended = [...freezes.values()].filter((other) => !isInForce(other, nowMs));
  for (const { id } of ended.slice(0, Math.max(0, ended.length - ENDED_FREEZES_MAX))) freezes.delete(id);
}

export function lift(freezes: FreezeBook, id: string): void {
  const freeze = freezes.get(id);
  if (freeze) freezes.set(id, { ...freeze, lifted: true });
}
