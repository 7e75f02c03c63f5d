/** Unit ms. A step that is silent for longer looks like a hang. */
const SILENCE_MAX_MS = 1000;
const REPEAT_MS = 3000;

/** People read the standard output; logs are JSON lines on stderr. */
export const say = (line = ''): void => {
  process.stdout.write(`${line}\n`);
};

/** Runs `work`; says what is going on when it takes longer than a second, and again every few seconds. */
export async function step<T>(what: string, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const seconds = (): number => Math.round((performance.now() - started) / 1000);
  let repeat: NodeJS.Timeout | undefined;
  const first = setTimeout(() => {
    say(`  ${what} ...`);
    repeat = setInterval(() => {
      say(`  ${what} ... ${seconds()} s`);
    }, REPEAT_MS);
  }, SILENCE_MAX_MS);
  try {
    return await work();
  } finally {
    clearTimeout(first);
    clearInterval(repeat);
  }
}
