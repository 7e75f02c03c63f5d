import type { SimulatedInput } from './signed-inputs.ts';
import type { OwnerHost } from './owner-host.ts';
import type { Choices } from './random.ts';
import { setSomeClock } from './simulated-clock.ts';
import type { SimulatedWorld } from './world.ts';

/** Unit ms. A transaction times out; the same for longer; proposals and escalations are over. */
const SILENCES_MS = [11_000, 25_000, 310_000];

/** Probability before a step, in a history whose clocks are set: several times in each. */
const CLOCK_RATE = 0.06;

/** Steps that are passed once in a transaction, or in a take-over: to die by chance just there is rare. */
const POINTS = [
  ...['before-send', 'after-send', 'before-commit', 'commit', 'after-commit-sent', 'after-commit'],
  ...['before-fence', 'recovering', 'before-snapshot', 'before-guard', 'after-guard'],
];

/** In a take-over, and in a transaction. */
const STALLS = ['recovering', 'ends of ledger', 'fetch ledger', 'fetch ledger', 'before-send', 'before-commit', 'fetch ledger input-keys'];

/** Everything that happens to a lane from outside, at moments and in an order of the choices' making. */
export class Happenings {
  /** Probability of one before a step. */
  readonly #rate: number;
  readonly #has: Record<'kill' | 'pause' | 'clock' | 'guardLoss' | 'silence' | 'transactions', boolean>;

  /** Where somebody dies, once, when it is passed. */
  #point: string | undefined;
  /** Where somebody stands still, once, while another takes the lane over; and then for how many steps. */
  #stallAt: string | undefined;
  #stalled: { readonly host: OwnerHost; steps: number } | undefined;

  constructor(
    private readonly world: SimulatedWorld,
    private readonly choices: Choices,
    /** Each says what it is when its turn comes. */
    private readonly toPublish: (() => SimulatedInput)[],
  ) {
    const mayBe = (probability = 0.6): boolean => choices.chance(probability);
    this.#point = choices.pick(POINTS);
    this.#stallAt = choices.chance(0.3) ? choices.pick(STALLS) : undefined;
    this.#rate = 0.05 + choices.next() * 0.2;
    this.#has = { kill: mayBe(), pause: mayBe(), clock: mayBe(0.3), guardLoss: mayBe(), silence: mayBe(0.4), transactions: mayBe(0.3) };
  }

  maybe(): void {
    for (const host of this.world.hosts) this.#maybeKillAtPoint(host);
    this.#stall();
    if (this.choices.chance(this.#rate)) this.#happen(this.choices.between(0, 18), this.choices.pick(this.world.hosts));
    if (this.#has.clock && this.choices.chance(CLOCK_RATE)) this.#setClock();
  }

  /** The next few inputs, of whoever. */
  publish(): void {
    this.world.endPlatforms('maybe one');
    for (const next of this.toPublish.splice(0, this.choices.between(1, 4))) {
      const input = next();
      this.world.publish(input, this.#has.transactions && input.topic !== 'controls' && this.choices.chance(0.5));
    }
  }

  #happen(kind: number, host: OwnerHost): void {
    const { world } = this;
    if (kind <= 8) this.publish();
    else if (kind <= 11) {
      world.note(host, 'granted');
      host.grant();
    } else if (kind === 12 && host.isOwning) {
      world.note(host, 'revoked');
      host.revoke();
    } else if (kind <= 15) {
      if (this.#has.kill && host.isOwning) world.kill(host);
    } else if (kind === 16 && this.#has.pause) {
      world.note(host, 'paused');
      host.actor.isPaused = true;
    } else if (kind === 17) {
      if (host.actor.isPaused) world.note(host, 'woken');
      host.actor.isPaused = false;
    } else if (kind === 18) this.#lose(host);
  }

  /** And publishes, so that something is decided by it. */
  #setClock(): void {
    const { world, choices } = this;
    const what = setSomeClock(
      choices,
      world.clock,
      world.hosts.map(({ clock }) => clock),
    );
    world.count(what);
    world.scheduler.trace.push(what);
    world.clocksWereSet = true;
    if (choices.chance(0.5)) this.publish();
  }

  /** Longer than a take-over and a few transactions of somebody else, who has fenced it by then. */
  #stall(): void {
    const { hosts } = this.world;
    if (this.#stalled && --this.#stalled.steps === 0) this.#stalled.host.actor.isPaused = false;
    const host = hosts.find(({ actor, isOwning }) => isOwning && actor.last === this.#stallAt);
    if (!host) return;
    this.world.note(host, 'paused');
    host.actor.isPaused = true;
    this.#stalled = { host, steps: this.choices.between(20, 60) };
    this.#stallAt = undefined;
    for (const other of hosts) if (other !== host) other.grant();
    this.publish();
  }

  #maybeKillAtPoint(host: OwnerHost): void {
    if (!this.#has.kill || !host.isOwning || host.actor.last !== this.#point) return;
    this.world.kill(host);
    this.#point = undefined;
  }

  /** A disk, and whoever was at work on it; or time. */
  #lose(host: OwnerHost): void {
    if (this.#has.guardLoss && !host.disk.isEmpty) {
      if (host.isOwning) this.world.kill(host);
      this.world.note(host, 'guard lost');
      host.disk.lose();
    } else if (this.#has.silence) {
      this.world.note(host, 'long silence');
      this.world.scheduler.nowMs += this.choices.pick(SILENCES_MS);
    }
  }
}
