import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/**
 * Reads a process id from its standard input, waits for the end of it, then ends that process with the signal $2, when its command line has $1:
 * by then the number may be another process's. What does not end within ten seconds is killed.
 */
const SCRIPT = `
read -r pid || exit 0
is_it() { grep -aqF -e "$1" "/proc/$pid/cmdline" 2>/dev/null || ps -ww -o args= -p "$pid" 2>/dev/null | grep -qF -e "$1"; }
cat > /dev/null
is_it "$1" || exit 0
kill -s "$2" "$pid"
for each in 1 2 3 4 5 6 7 8 9 10; do sleep 1; is_it "$1" || exit 0; done
kill -s KILL "$pid"
`;

export interface Leash {
  /** To be called at once when the process is there. */
  hold(pid: number): void;
  /** To be called when the process has ended. */
  off(): void;
}

/**
 * Ends a detached process when this one ends, in whatever way: Ctrl-C, a crash, SIGKILL. A shell holds the other end of a pipe, which the kernel
 * closes with this process. Made before the process is started, so that there is hardly a moment in which that has no leash.
 */
export function leash(commandLinePart: string, signal: 'TERM' | 'INT'): Leash {
  const args = ['-c', SCRIPT, 'countersign-leash', commandLinePart, signal];
  // In a session of its own, or Ctrl-C would end it first.
  const shell = spawn('/bin/sh', args, { cwd: '/', detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  shell.on('error', () => undefined); // no shell: then the next start on the folder ends what was left behind
  shell.unref();
  (shell.stdin as Socket).unref();
  shell.stdin.on('error', () => undefined);
  return {
    hold: (pid) => void shell.stdin.write(`${pid}\n`),
    off: () => void shell.kill('SIGKILL'),
  };
}
