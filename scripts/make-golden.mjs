// Writes test/golden/<version>, once: node --import ./scripts/register.mjs scripts/make-golden.mjs v2
import { fileURLToPath } from 'node:url';

import { goldenFiles, writeGolden } from '../libs/testing/src/golden/files.ts';
import { STORIES } from '../libs/testing/src/golden/stories.ts';

const version = process.argv[2];
const story = STORIES.get(version);
if (!story) throw new Error(`no story tells ${version}: one of ${[...STORIES.keys()].join(', ')}`);
const folder = fileURLToPath(new URL(`../test/golden/${version}`, import.meta.url));
writeGolden(folder, goldenFiles(story()));
console.log(`written: ${folder}`);
