// One hop of the pass-through, as a process of its own: reads a topic, does the signature work it is told to, writes the next topic.
import { setTimeout as delay } from 'node:timers/promises';

import { CedarEngine, codecs, LaneReader, PlainWriter, TransactionalWriter, type OutgoingRecord } from '#adapters';
import { ed25519PublicKey, ed25519Sign, ed25519Verify } from '#crypto';
import { pae, parseBundle, type EngineRequest, type Json } from '#domain';

import type { HopWork } from './work.ts';

const work = JSON.parse(process.argv[2] ?? '{}') as HopWork;
const connection = { brokers: work.brokers, clientId: `bench-${work.name}` };
/** As the decider gathers. */
const RECORDS_MAX = 512;
const seed = new Uint8Array(32).fill(7);
const publicKey = ed25519PublicKey(seed);
const engine = work.bundle ? new CedarEngine() : undefined;
const bundle = work.bundle ? parseBundle(work.bundle as Json) : undefined;
const proposerKey = work.proposerKey ? Buffer.from(work.proposerKey, 'base64') : undefined;

/** Unit ms. So long that a hop at rest takes nothing from the path that is measured. */
const IDLE = { maxWaitMs: 2000, minBytes: 1 };
const GATHERING = { maxWaitMs: 5, minBytes: 64 * 1024 };
const reader = await LaneReader.open(connection);
const writer = work.transactional
  ? await TransactionalWriter.open({ ...connection, transactionalId: `bench.${work.name}`, partitions: [] })
  : PlainWriter.open(connection);
let position = { topic: work.from, partition: 0, offset: 0n };
const waiting: { key: Buffer | null; value: Buffer | null }[] = [];
let fetching: Promise<void> | undefined;
let nextMs = 0;
const stopping = new AbortController();
process.on('SIGTERM', () => {
  stopping.abort();
});
process.stdout.write('ready\n');

while (!stopping.signal.aborted) {
  fetching ??= fetchMore();
  if (waiting.length === 0) {
    await fetching;
    continue;
  }
  if (work.everyMs !== undefined) await paced(work.everyMs);
  const batch = waiting.splice(0, RECORDS_MAX);
  for (const { value } of batch) if (value) perRecord(value);
  perBatch(batch.length);
  const records = batch.map(({ key, value }): OutgoingRecord => ({ topic: work.to, partition: 0, key, value }));
  if (writer instanceof TransactionalWriter) await writer.commit(records, 0);
  else await writer.send(records);
}
await Promise.allSettled([reader.close(), writer.close()]);
process.stdout.write(`peak ${process.resourceUsage().maxRSS}\n`);
process.exit(0);

/** Gathers, as the decider does, until the next transaction is due. */
async function paced(everyMs: number): Promise<void> {
  for (let left = nextMs - performance.now(); left > 0; left = nextMs - performance.now()) {
    fetching ??= fetchMore(GATHERING);
    await Promise.race([fetching, delay(left)]);
  }
  nextMs = Math.max(nextMs, performance.now() - everyMs) + everyMs;
}

async function fetchMore(wait: { readonly maxWaitMs: number; readonly minBytes: number } = IDLE): Promise<void> {
  const [fetched] = await reader.fetch([position], { ...wait, maxBytesPerPartition: 1024 * 1024 });
  fetching = undefined;
  if (!fetched || fetched.error) throw fetched?.error ?? new Error('nothing fetched');
  waiting.push(...fetched.records.map(({ key, value }) => ({ key, value })));
  position = { ...position, offset: fetched.nextOffset };
}

/** What the pipeline's decider cannot do without: the proposer's signature, and one call of the engine. */
function perRecord(value: Buffer): void {
  if (!proposerKey) return;
  const envelope = codecs.signedEnvelope.decode(value);
  if (!ed25519Verify(proposerKey, pae(envelope.payloadType, envelope.payload), envelope.signature)) throw new Error('signature');
  if (engine && bundle && work.request) engine.authorize(bundle, work.request as unknown as EngineRequest);
}

/** The decider seals each batch, the notary checks that seal and signs a checkpoint for each tenant. */
function perBatch(count: number): void {
  const message = Buffer.alloc(64, count);
  for (let at = 0; at < work.signaturesPerBatch; at++) ed25519Sign(seed, message);
  if (work.verificationsPerBatch === 0) return;
  const signature = ed25519Sign(seed, message);
  for (let at = 0; at < work.verificationsPerBatch; at++) ed25519Verify(publicKey, message, signature);
}
