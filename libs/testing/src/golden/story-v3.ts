import { ActingLane } from './acting-lane.ts';
import { credentials } from './story-v3-credentials.ts';
import { evidence, limits } from './story-v3-evidence.ts';
import { keys } from './story-v3-keys.ts';
import { memory } from './story-v3-memory.ts';
import { time } from './story-v3-time.ts';

/**
 * A lane under rules 2: every kind of entry and every reason that came with them. It grows until its bytes are written down; from then on it
 * is never changed.
 */
export function goldenStoryV3(): ActingLane {
  const lane = new ActingLane({ seed: 'golden v3' });
  begin(lane);
  memory(lane);
  keys(lane);
  limits(lane);
  evidence(lane);
  credentials(lane);
  time(lane);
  return lane;
}

function begin(lane: ActingLane): void {
  lane.initialise();
  for (const tenant of ['acme', 'globex']) {
    lane.registerTenant(tenant);
    lane.registerIssuer(tenant, 'platform', 'platform');
  }
  for (const executor of ['runner', 'other']) lane.registerIssuer('acme', executor, 'executor');
  lane.activate();
  lane.propose('first');
}
