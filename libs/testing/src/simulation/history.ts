import { Happenings } from './happenings.ts';
import { Operator } from './operator.ts';
import type { OwnerHost } from './owner-host.ts';
import { viewOf } from './view.ts';
import { type HistoryOptions, SimulatedWorld } from './world.ts';

/** Steps with faults; then they stop. */
const STEPS_MIN = 20;
const STEPS_MAX = 120;
/** A lane that is still at work after so many steps without faults never ends. */
const CALM_STEPS_MAX = 4000;
/** Unit ms. After it every escalation is over, whether anybody was there or not. */
const END_SILENCE_MS = 400_000;
/** Unit ms. Two idle waits. */
const QUIET_MS = 250;
const INPUTS_MAX = 5;

/** Faults first; then they stop, and one decider and one notary run until there is nothing left to do. */
export async function live(options: HistoryOptions): Promise<SimulatedWorld> {
  const world = new SimulatedWorld(options);
  const { choices, hosts, scheduler } = world;
  const { inputs, after } = options;
  const view = viewOf(world.broker);
  const drawn = Array.from({ length: choices.between(1, INPUTS_MAX) }, () => () => inputs.draw(choices, view));
  const toPublish = [...(after ? [] : inputs.births()).map((input) => () => input), ...drawn];
  const happenings = new Happenings(world, choices, toPublish);
  for (const host of hosts) if (choices.chance(0.6)) host.grant();
  for (let steps = choices.between(STEPS_MIN, STEPS_MAX); steps > 0; steps--) {
    happenings.maybe();
    await scheduler.settled();
    await world.step();
  }
  while (toPublish.length > 0) happenings.publish();
  world.endPlatforms('all');
  await endFaults(world);
  await untilAtRest(world, choices.chance(0.5) ? END_SILENCE_MS : 0);
  return world;
}

/**
 * The ledger loses its end while `checkpoints` keeps what was signed of it, as when a replica that had lagged behind becomes the leader. The
 * next decider must halt before it decides anything: deciding on would fork the log. What it did instead, in words.
 */
export async function loseLedgerTail(world: SimulatedWorld): Promise<string[]> {
  const ledger = world.broker.partition({ topic: 'ledger', partition: 0 });
  const { records } = ledger.read(0n, Infinity, 'committed');
  const cut = world.choices.pick(records).offset;
  ledger.cut(cut);
  world.mayHalt = true;
  const decider = lastOf(world, 'decider');
  decider.grant();
  await until(world, 'the decider gave up a ledger without its end', () => !decider.isOwning);
  world.count('ledger lost its end');
  if (!world.halts.some((halt) => halt.startsWith('decider'))) world.defects.push('the decider did not halt');
  if (ledger.highWatermark !== cut) world.defects.push(`it decided on: from ${cut} to ${ledger.highWatermark}`);
  return world.defects;
}

async function endFaults(world: SimulatedWorld): Promise<void> {
  Object.assign(world.rates, { requestFault: 0, shortAnswer: 0 });
  for (const host of world.hosts) {
    host.actor.isPaused = false;
    if (world.choices.chance(0.5)) host.revoke();
    else if (host.isOwning) world.kill(host);
  }
  await until(world, 'every lease has ended', () => world.hosts.every(({ isOwning }) => !isOwning));
  for (const { clock } of [world, ...world.hosts]) clock.setRight();
}

/** One decider and one notary, until nothing is left to do. */
export async function untilAtRest(world: SimulatedWorld, silenceMs: number): Promise<void> {
  world.scheduler.nowMs += silenceMs;
  const owners = [lastOf(world, 'decider'), lastOf(world, 'notary')];
  await until(world, 'both owners are idle', quiet(world, owners));
  for (const host of owners) host.kill();
}

/** Nothing new on any topic for a while, and nobody at work. */
function quiet(world: SimulatedWorld, owners: readonly OwnerHost[]): () => boolean {
  const { broker, scheduler } = world;
  const operator = new Operator(world, owners);
  let before = -1n;
  let sinceMs = 0;
  return () => {
    for (const host of owners) host.grant(); // again, when a late request of a dead one has fenced it
    operator.look();
    const written = [...broker.partitions].reduce((sum, { highWatermark }) => sum + highWatermark, 0n);
    const isIdle = owners.every(({ isReady, actor }) => isReady && actor.isIdle) && broker.markersDue().length === 0;
    if (written !== before || !isIdle) sinceMs = scheduler.nowMs;
    before = written;
    return scheduler.nowMs - sinceMs > QUIET_MS;
  };
}

async function until(world: SimulatedWorld, what: string, isSo: () => boolean): Promise<void> {
  for (let steps = 0; steps < CALM_STEPS_MAX; steps++) {
    await world.scheduler.settled();
    if (isSo()) return;
    await world.step();
  }
  const states = world.hosts.map(({ name, isOwning, isReady, actor }) => {
    return `${name}${isOwning ? ' owns' : ''}${isReady ? ' ready' : ''} waits for ${world.scheduler.waiting(actor).join(', ')}`;
  });
  world.defects.push(`without faults it never happened that ${what}: ${states.join('; ')}`);
}

function lastOf({ hosts }: SimulatedWorld, role: OwnerHost['role']): OwnerHost {
  const host = hosts.findLast((each) => each.role === role);
  if (!host) throw new Error(`no host of a ${role}`);
  return host;
}
