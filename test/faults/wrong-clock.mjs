// Loaded into a service before its own code: sets its wall clock, and only that, ahead by the ms that a file says, also while it runs.
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

const file = process.env.COUNTERSIGN_TEST_CLOCK;
const rightNow = Date.now.bind(Date);
/** Unit ms. Between two looks at the file. */
const LOOK_EVERY_MS = 20;
let aheadMs = 0;
let lookedAtMs = -Infinity;

if (file !== undefined)
  Date.now = () => {
    if (performance.now() - lookedAtMs > LOOK_EVERY_MS) {
      lookedAtMs = performance.now();
      aheadMs = Number(readFileSync(file, 'utf8')) || 0;
    }
    return rightNow() + aheadMs;
  };
