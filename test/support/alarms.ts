/** Alarms of apps that run in this process: what their logs write to file descriptor 2. */
import fs from 'node:fs';

import { vi } from 'vitest';

import { parseLine, type LogLine } from './service.ts';

const STDERR = 2;

/** From now on; to be called before the apps start. Their lines are not shown: the vitest run stays readable. */
export function watchAlarms(): readonly LogLine[] {
  const alarms: LogLine[] = [];
  vi.stubEnv('LOG_LEVEL', 'error');
  const write = fs.writeSync.bind(fs) as (fd: number, ...rest: unknown[]) => number;
  // pino writes each line with one call.
  vi.spyOn(fs, 'writeSync').mockImplementation((fd: number, data: string | Buffer, ...rest: unknown[]) => {
    if (fd !== STDERR) return write(fd, data, ...rest);
    const line = parseLine(data.toString());
    if ('alarm' in line) alarms.push(line);
    return Buffer.byteLength(data);
  });
  return alarms;
}
