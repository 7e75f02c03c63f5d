import { wire } from '#adapters';
import { CLOCK_DIFFERENCE_MAX_MS, parseStatement, parseTime } from '#domain';

import type { OwnerHost } from './owner-host.ts';
import type { SimulatedWorld } from './world.ts';

/** Looks after a lane that is held because its time lies ahead of clocks that are right: corrects it, or lets that time come. */
export class Operator {
  #correctedMs: number | undefined;
  readonly #isPatient: boolean;

  constructor(
    private readonly world: SimulatedWorld,
    private readonly owners: readonly OwnerHost[],
  ) {
    this.#isPatient = world.clocksWereSet && world.choices.chance(0.3);
  }

  look(): void {
    const { scheduler, options } = this.world;
    if (!this.owners.some(({ actor }) => scheduler.waiting(actor).includes('sleep'))) return; // nobody is held
    const laneMs = this.#laneMs();
    if (laneMs - scheduler.nowMs <= CLOCK_DIFFERENCE_MAX_MS) return;
    if (this.#isPatient) {
      scheduler.nowMs = laneMs;
      for (const { clock } of [this.world, ...this.world.hosts]) clock.setRight();
    } else if (laneMs !== this.#correctedMs) {
      this.#correctedMs = laneMs;
      this.world.publish(options.inputs.correction(laneMs, scheduler.nowMs), false);
      this.world.count('lane time corrected by the operator');
    }
  }

  /** The latest date on the ledger since its last correction. */
  #laneMs(): number {
    const { records } = this.world.broker.partition({ topic: 'ledger', partition: 0 }).read(0n, Infinity, 'committed');
    let laneMs = 0;
    for (const { value } of records) {
      const { kind, statement } = parseStatement(wire.decodeRecord(value ?? new Uint8Array()).entry);
      const decidedAtMs = parseTime(statement.predicate.decidedAt);
      laneMs = kind === 'time.corrected' ? decidedAtMs : Math.max(laneMs, decidedAtMs);
    }
    return laneMs;
  }
}
