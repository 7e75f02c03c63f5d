// Writes test/vectors, the same bytes each time: node --import ./scripts/register.mjs scripts/make-vectors.mjs [folder]
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { OPERATIONS } from './vectors/operations.mjs';

const folder = process.argv[2] ?? fileURLToPath(new URL('../test/vectors', import.meta.url));
mkdirSync(folder, { recursive: true });
for (const [op, cases] of Object.entries(OPERATIONS)) writeFileSync(join(folder, `${op}.jsonl`), cases().map(lineOf(op)).join(''));
console.log(`written: ${folder}`);

/** `answer` is what must come back; of a refusal only that it is one, as `error` is for people. */
function lineOf(op) {
  return ({ comment, request, answer }, at) => {
    const id = `${op}-${at + 1}`;
    return `${JSON.stringify({ comment, request: { id, op, ...request }, answer: { id, ...answer } })}\n`;
  };
}
