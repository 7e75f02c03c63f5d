/** Called at each named point of a commit protocol. */
export type PointHook = (name: string) => void;

/**
 * COUNTERSIGN_CRASH_AT=`<point>:<n>` ends this process with SIGKILL when it passes the point for the n-th time (from 1): fault tests use
 * it on real processes. undefined without that variable, which is the only case in production.
 */
export function crashPoints(env: NodeJS.ProcessEnv = process.env): PointHook | undefined {
  const wanted = env['COUNTERSIGN_CRASH_AT'];
  if (wanted === undefined || wanted === '') return undefined;
  const [, point, count] = /^([a-z-]+):([1-9]\d{0,6})$/.exec(wanted) ?? [];
  if (point === undefined) throw new Error(`COUNTERSIGN_CRASH_AT: <point>:<n> expected, "${wanted}" found`);
  let left = Number(count);
  return (name) => {
    if (name === point && --left === 0) process.kill(process.pid, 'SIGKILL');
  };
}
