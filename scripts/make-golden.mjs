// Writes test/golden/v1, once: node --import ./scripts/register.mjs scripts/make-golden.mjs
import { fileURLToPath } from 'node:url';

import { goldenFiles, writeGolden } from '../libs/testing/src/golden/files.ts';
import { goldenStory } from '../libs/testing/src/golden/story.ts';

const folder = fileURLToPath(new URL('../test/golden/v1', import.meta.url));
writeGolden(folder, goldenFiles(goldenStory()));
console.log(`written: ${folder}`);
