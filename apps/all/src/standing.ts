/** What keeps lanes from being served, as the services of this process say. */
import { setTimeout as delay } from 'node:timers/promises';

import type { Health, HealthReason } from '../../kit/src/index.ts';

/** Unit ms. A lane is taken over in a second, and a lost tail is told from a slow read within five. */
const SETTLED_MAX_MS = 20_000;
const LOOK_MS = 100;

export interface Trouble extends HealthReason {
  readonly service: string;
}

/** Resolves once no service waits for anything any more, or after 20 s. */
export async function troubles(services: ReadonlyMap<string, Health>): Promise<Trouble[]> {
  const all = (): Trouble[] => [...services].flatMap(([service, { reasons }]) => reasons.map((reason) => ({ service, ...reason })));
  const deadlineMs = performance.now() + SETTLED_MAX_MS;
  while (all().some(({ state }) => state === 'waiting') && performance.now() < deadlineMs) await delay(LOOK_MS);
  return all();
}

/** One line each, for people. */
export const troubleLines = (found: readonly Trouble[]): string[] =>
  found.map(({ service, name, code, reason, state }) => {
    const what = reason.startsWith(`${code}: `) ? reason : `${code}: ${reason}`;
    return `${state === 'failed' ? 'HALTED ' : 'WAITING'}  ${service}, ${name}: ${what}`;
  });
