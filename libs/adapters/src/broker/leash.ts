import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/**
 * Waits for the end of its standard input, then ends the process $1 with the signal $3, when its command line has $2: by then the number may be
 * another process's. What does not end within ten seconds is killed.
 */
const SCRIPT = `
is_it() { grep -aqF -e "$2" "/proc/$1/cmdline" 2>/dev/null || ps -ww -o args= -p "$1" 2>/dev/null | grep -qF -e "$2"; }
cat > /dev/null
is_it "$@" || exit 0
kill -s "$3" "$1"
for each in 1 2 3 4 5 6 7 8 9 10; do sleep 1; is_it "$@" || exit 0; done
kill -s KILL "$1"
`;

/**
 * Ends a detached process when this one ends, in whatever way: Ctrl-C, a crash, SIGKILL. A shell holds the other end of a pipe, which the kernel
 * closes with this process. Returns what takes the leash off; to be called when the process has ended.
 */
export function leash(pid: number, commandLinePart: string, signal: 'TERM' | 'INT'): () => void {
  const args = ['-c', SCRIPT, 'countersign-leash', String(pid), commandLinePart, signal];
  // In a session of its own, or Ctrl-C would end it first.
  const shell = spawn('/bin/sh', args, { cwd: '/', detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  shell.on('error', () => undefined); // no shell: then the next start on the folder ends what was left behind
  shell.unref();
  (shell.stdin as Socket).unref();
  shell.stdin.on('error', () => undefined);
  return () => {
    shell.kill('SIGKILL');
  };
}
