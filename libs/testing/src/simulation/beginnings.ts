import { untilAtRest } from './history.ts';
import { FIRST_TENANT } from './inputs.ts';
import { viewOf } from './view.ts';
import { type HistoryOptions, SimulatedWorld } from './world.ts';

/**
 * Lanes at rest that were made without any fault, each going on where the one before ended: all are registered; a change is permitted, and
 * two people are asked about another; the first is claimed and done, its health is to be checked, and one person said yes to the other; the
 * check failed, and the way back is free. Most histories go on from one of them: a beginning is what takes longest.
 */
export async function liveBeginnings(options: Omit<HistoryOptions, 'seed' | 'after'>): Promise<SimulatedWorld[]> {
  const worlds: SimulatedWorld[] = [];
  for (const said of options.inputs.beginnings(FIRST_TENANT)) {
    const world = new SimulatedWorld({ ...options, seed: 0, after: worlds.at(-1) });
    Object.assign(world.rates, { requestFault: 0, shortAnswer: 0 });
    for (const input of said(viewOf(world.broker).attested('action.decided'))) world.publish(input, false);
    await untilAtRest(world, 0);
    worlds.push(world);
  }
  return worlds;
}
