/** Called at each named point of a commit protocol. */
export type PointHook = (name: string) => void;

const SIGNALS = { COUNTERSIGN_CRASH_AT: 'SIGKILL', COUNTERSIGN_PAUSE_AT: 'SIGSTOP' } as const;

/**
 * COUNTERSIGN_CRASH_AT=`<point>:<n>` ends this process with SIGKILL when it passes the point for the n-th time (from 1);
 * COUNTERSIGN_PAUSE_AT stops it there until somebody sends SIGCONT. Fault tests use them on real processes. undefined without these
 * variables, which is the only case in production.
 */
export function crashPoints(env: NodeJS.ProcessEnv = process.env): PointHook | undefined {
  const hooks = (Object.keys(SIGNALS) as (keyof typeof SIGNALS)[]).flatMap((name) => hookOf(name, env[name]));
  if (hooks.length === 0) return undefined;
  return (point) => {
    for (const hook of hooks) hook(point);
  };
}

function hookOf(variable: keyof typeof SIGNALS, wanted: string | undefined): PointHook[] {
  if (wanted === undefined || wanted === '') return [];
  const [, point, count] = /^([a-z-]+):([1-9]\d{0,6})$/.exec(wanted) ?? [];
  if (point === undefined) throw new Error(`${variable}: <point>:<n> expected, "${wanted}" found`);
  let left = Number(count);
  return [
    (name) => {
      if (name === point && --left === 0) process.kill(process.pid, SIGNALS[variable]);
    },
  ];
}
