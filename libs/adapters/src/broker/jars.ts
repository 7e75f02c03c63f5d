import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../kafka/errors.ts';
import { isAlive } from './process.ts';

const run = promisify(execFile);
/** Unit ms. 44 MB from a slow mirror. */
const DOWNLOAD_MAX_MS = 10 * 60_000;
const JAVA_MIN = 17;

export type Progress = (line: string) => void;

/** The folder that holds pom.xml, from the sources as well as from dist. */
export function repositoryRoot(from: string = import.meta.dirname): string {
  for (let at = from; ; at = dirname(at)) {
    if (existsSync(join(at, 'pom.xml'))) return at;
    if (at === dirname(at)) throw new Error(`embedded broker: no pom.xml above ${from}`);
  }
}

/** Where the broker's jars are, or will be, for this content of pom.xml. */
export function jarsFolder(root: string): string {
  const hash = createHash('sha256')
    .update(readFileSync(join(root, 'pom.xml')))
    .digest('hex')
    .slice(0, 12);
  return join(root, '.countersign', `kafka-jars-${hash}`);
}

/** Fetches the broker's jars once for each content of pom.xml. An interrupted download leaves nothing that a later start takes for whole. */
export async function kafkaJars(root: string, onProgress: Progress): Promise<string> {
  const jars = jarsFolder(root);
  if (existsSync(jars)) return jars;

  const cache = dirname(jars);
  mkdirSync(cache, { recursive: true });
  removeHalfDownloads(cache);
  const partial = `${jars}.part-${process.pid}`;
  onProgress('fetching Apache Kafka with Maven (44 MB, once)');
  try {
    const goal = 'dependency:copy-dependencies';
    const args = ['-q', '-B', '-f', join(root, 'pom.xml'), goal, '-DincludeScope=runtime', `-DoutputDirectory=${partial}`];
    await run('mvn', args, { timeout: DOWNLOAD_MAX_MS });
    if (!readdirSync(partial).some((name) => name.startsWith('kafka_2.13-'))) throw new Error('Maven ended well but copied no Kafka');
    renameSync(partial, jars);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (existsSync(jars)) return jars; // another process was faster
    throw new Error(`embedded broker: Maven could not fetch Apache Kafka: ${explain(error)}`, { cause: error });
  }
  return jars;
}

/** The java command, refused below 17 because Kafka 4 needs it. */
export async function javaCommand(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const home = env['JAVA_HOME'];
  const java = home && existsSync(join(home, 'bin', 'java')) ? join(home, 'bin', 'java') : 'java';
  const version = await run(java, ['-version']).then(
    ({ stderr }) => stderr,
    (error: unknown) => {
      throw new Error(`embedded broker: Java ${JAVA_MIN} or newer expected: ${explain(error)}`, { cause: error });
    },
  );
  const major = Number(/version "(\d+)/.exec(version)?.[1] ?? 0);
  if (major < JAVA_MIN)
    throw new Error(`embedded broker: Java ${JAVA_MIN} or newer expected, ${version.split('\n')[0] ?? 'nothing'} found`);
  return java;
}

function removeHalfDownloads(cache: string): void {
  for (const name of readdirSync(cache)) {
    const owner = /\.part-(\d+)$/.exec(name)?.[1];
    if (owner && !isAlive(Number(owner))) rmSync(join(cache, name), { recursive: true, force: true });
  }
}

function explain(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'command not found';
  const output = error instanceof Error && 'stdout' in error ? String(error.stdout).trim() : '';
  return output === '' ? messageOf(error) : output.slice(-2000);
}
