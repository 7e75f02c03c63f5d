import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { chooseBroker, startEmbeddedBroker } from '../../libs/adapters/src/broker/index.ts';
import { isAlive } from '../../libs/adapters/src/broker/process.ts';
import { withAdmin } from '../support/kafka.ts';
import { canStartBroker, NEEDS_JAVA } from '../support/own-broker.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function folder(): string {
  const dataDir = mkdtempSync(join(tmpdir(), 'countersign-embedded-'));
  cleanups.push(() => {
    rmSync(dataDir, { recursive: true, force: true });
  });
  return dataDir;
}

/** Starts a broker in a process of its own that is then killed, and its leash with it, as when a container's memory is all used. */
async function startAndKill(dataDir: string): Promise<number> {
  const module = new URL('../../libs/adapters/src/broker/embedded.ts', import.meta.url).href;
  const script = `const { startEmbeddedBroker } = await import(${JSON.stringify(module)});
    console.log((await startEmbeddedBroker({ dataDir: ${JSON.stringify(dataDir)}, endsWithStarter: false })).pid); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [pid] = (await once(child.stdout, 'data')) as [Buffer];
  await expect(startEmbeddedBroker({ dataDir })).rejects.toThrow(`is in use by process ${child.pid ?? 0} on host`);
  child.kill('SIGKILL');
  await once(child, 'exit');
  return Number(pid.toString());
}

describe.skipIf(!canStartBroker)(`an embedded broker (${NEEDS_JAVA})`, () => {
  it('stops what a killed run left behind, and comes up on the same folder and port', async () => {
    const dataDir = folder();
    const leftover = await startAndKill(dataDir);
    expect(isAlive(leftover)).toBe(true);
    const ports = JSON.parse(readFileSync(join(dataDir, 'ports.json'), 'utf8')) as { port: number };
    const broker = await startEmbeddedBroker({ dataDir });
    cleanups.push(() => broker.stop());
    expect(isAlive(leftover)).toBe(false);
    expect(broker.brokers).toEqual([`127.0.0.1:${ports.port}`]);
    expect(await withAdmin(broker.brokers, (admin) => admin.listTopics())).toEqual([]);
    await broker.stop();
    expect(isAlive(broker.pid)).toBe(false);
  });

  it.runIf(process.platform === 'linux')('stops a broker whose starter was killed before it wrote the process id down', async () => {
    const dataDir = folder();
    const leftover = await startAndKill(dataDir);
    rmSync(join(dataDir, 'broker.pid'));
    const broker = await startEmbeddedBroker({ dataDir });
    cleanups.push(() => broker.stop());
    expect(isAlive(leftover)).toBe(false);
  });

  it('does not touch a process that merely has the number of a former broker', async () => {
    const dataDir = folder();
    const innocent = spawn('sleep', ['600'], { stdio: 'ignore' });
    cleanups.push(() => innocent.kill());
    writeFileSync(join(dataDir, 'broker.pid'), `${innocent.pid ?? 0} 1\n`);
    const broker = await startEmbeddedBroker({ dataDir });
    cleanups.push(() => broker.stop());
    expect(innocent.exitCode).toBeNull();
    expect(innocent.signalCode).toBeNull();
  });

  it('says why it could not start, with the last lines of the log', async () => {
    const squatter = createServer().listen(0, '127.0.0.1');
    await once(squatter, 'listening');
    cleanups.push(() => squatter.close());
    const { port } = squatter.address() as { port: number };
    await expect(startEmbeddedBroker({ dataDir: folder(), port })).rejects.toThrow(/it ended.*Address already in use/s);
  });
});

it('prefers KAFKA_BROKERS and starts nothing then', async () => {
  const root = folder();
  const chosen = await chooseBroker({ env: { KAFKA_BROKERS: 'a:1, b:2' }, dataDir: join(root, 'kafka'), root, log: () => undefined });
  expect(chosen).toMatchObject({ kind: 'external', brokers: ['a:1', 'b:2'] });
  expect(chosen.line).toContain('KAFKA_BROKERS');
});

it('says what would do when there is no broker at all', async () => {
  const root = folder(); // no pom.xml, no docker-compose.yml
  await expect(chooseBroker({ env: {}, dataDir: join(root, 'kafka'), root, log: () => undefined })).rejects.toThrow(
    /no Kafka broker.*KAFKA_BROKERS=host:port, a running Docker engine, or Java 17 with Maven/s,
  );
});
