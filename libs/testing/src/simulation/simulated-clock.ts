import type { Choices } from './random.ts';

/** A clock that may jump, drift or stand still, until somebody sets it right. Unit ms throughout. */
export class SimulatedClock {
  #setAtMs = 0;
  #shownMs = 0;
  #rate = 1;

  constructor(private readonly trueMs: () => number) {
    this.setRight();
  }

  get nowMs(): number {
    return Math.floor(this.#shownMs + (this.trueMs() - this.#setAtMs) * this.#rate);
  }

  jump(ms: number): void {
    this.#set(this.nowMs + ms, this.#rate);
  }

  /** So many ms pass for it while one truly does: 1 is right, 0 stands still. */
  drift(rate: number): void {
    this.#set(this.nowMs, rate);
  }

  setRight(): void {
    this.#set(this.trueMs(), 1);
  }

  #set(shownMs: number, rate: number): void {
    [this.#shownMs, this.#setAtMs, this.#rate] = [shownMs, this.trueMs(), rate];
  }
}

/** Of one alone: tolerated, alone or together, and far beyond what clocks may differ by. */
const JUMPS_MS = [-700, 700, -3000, 3000, -95_000, 70_000];
/** Of all clocks of the lane together: nobody can tell until they are set right. Then the lane's time lies ahead. */
const JUMPS_OF_ALL_MS = [-60_000, 60_000, 3_600_000, 86_400_000];
const RATES = [0.5, 1.5, 20];

/** What somebody does to the clocks of a lane, in words. */
export function setSomeClock(choices: Choices, broker: SimulatedClock, owners: readonly SimulatedClock[]): string {
  const [name, clocks] = choices.pick<[string, SimulatedClock[]]>([
    ['one owner’s clock', [choices.pick(owners)]],
    ['the broker’s clock', [broker]],
    ['every clock', [broker, ...owners]],
  ]);
  const each = (work: (clock: SimulatedClock) => void): void => {
    for (const clock of clocks) work(clock);
  };
  const what = choices.pick(['jumped', 'jumped', 'drifts', 'stands still', 'was set right']);
  if (what === 'jumped') {
    const ms = choices.pick(clocks.length === 1 ? JUMPS_MS : JUMPS_OF_ALL_MS);
    each((clock) => {
      clock.jump(ms);
    });
  } else if (what === 'was set right') {
    each((clock) => {
      clock.setRight();
    });
  } else {
    const rate = what === 'drifts' ? choices.pick(RATES) : 0;
    each((clock) => {
      clock.drift(rate);
    });
  }
  return `${name} ${what}`;
}
