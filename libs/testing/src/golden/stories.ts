import { existsSync } from 'node:fs';

import type { MemoryLane } from '../lane/memory-lane.ts';
import { goldenStory } from './story.ts';
import { goldenStoryV3 } from './story-v3.ts';
import { goldenStoryV2 } from './story-v2.ts';

/** What each golden ledger was written from. */
export const STORIES: ReadonlyMap<string, () => MemoryLane> = new Map([
  ['v1', goldenStory],
  ['v2', goldenStoryV2],
  ['v3', goldenStoryV3],
]);

const FOLDER = new URL('../../../../test/golden/', import.meta.url);

/** Those whose golden ledger is on disk: the newest story is written once, when its rules are frozen. */
export const WRITTEN: readonly string[] = [...STORIES.keys()].filter((version) => existsSync(new URL(version, FOLDER)));
