import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { javaCommand, kafkaJars, repositoryRoot } from '../../../libs/adapters/src/broker/jars.ts';

const run = promisify(execFile);

/** Running a source file takes a whole JDK; undefined when there is none. */
export const findJdk = (): Promise<string | undefined> =>
  Promise.all([javaCommand(), run('javac', ['-version'])]).then(
    ([java]) => java,
    () => undefined,
  );

export interface JavaRecord {
  readonly codec: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
  /** POSIX milliseconds. */
  readonly timestampMs: number;
  readonly value: Uint8Array;
}

/** Produces with Kafka's own client, which has every codec; returns the offsets. */
export async function produceWithJava(
  java: string,
  to: { readonly brokers: readonly string[]; readonly topic: string; readonly partition: number },
  records: readonly JavaRecord[],
): Promise<bigint[]> {
  const classPath = join(await kafkaJars(repositoryRoot(), () => undefined), '*');
  const source = join(import.meta.dirname, 'Produce.java');
  const running = run(java, ['-XX:TieredStopAtLevel=1', '-cp', classPath, source, to.brokers.join(','), to.topic, String(to.partition)]);
  const lines = records.map(({ codec, timestampMs, value }) => `${codec} ${timestampMs} ${Buffer.from(value).toString('base64')}\n`);
  running.child.stdin?.end(lines.join(''));
  const { stdout } = await running;
  return stdout.trim().split('\n').map(BigInt);
}
