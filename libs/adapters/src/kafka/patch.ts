import { protocolCode } from './errors.ts';
import type * as Kafkajs from 'kafkajs';
import { createRequire } from 'node:module';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

/*
 * Everything we change in kafkajs 2.2.4, in one file. Nothing else in the repository loads kafkajs at run time: this module patches first
 * and then hands it out, so no module of kafkajs can have captured an unpatched export.
 */
const require = createRequire(import.meta.url);
const VERSION = '2.2.4';
const MARK = Symbol.for('countersign.kafkajs.patched');

export function refuseOtherVersions(version: string): void {
  if (version !== VERSION) throw new Error(`kafkajs ${VERSION} expected, ${version} found: its patches must be looked at again`);
}

refuseOtherVersions((require('kafkajs/package.json') as { version: string }).version);

/** A record as kafkajs decodes it, as far as the filter of aborted transactions needs it. */
export interface DecodedRecord {
  readonly offset: string;
  readonly key: Buffer | null;
  readonly isControlRecord: boolean;
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
}
export interface AbortedTransaction {
  readonly producerId: string;
  readonly firstOffset: string;
}
interface FilterInput {
  messages: DecodedRecord[];
  abortedTransactions?: readonly AbortedTransaction[] | null;
}

/**
 * kafkajs drops one aborted transaction per record, assumes that they come in order, and takes any record whose key is four zero bytes for
 * an abort marker; when two producers interleave, aborted records come through. Only control records end a transaction here.
 */
export function filterAborted({ messages, abortedTransactions }: FilterInput): DecodedRecord[] {
  const waiting = [...(abortedTransactions ?? [])].sort((a, b) => compare(BigInt(a.firstOffset), BigInt(b.firstOffset)));
  if (waiting.length === 0) return messages;
  const aborting = new Set<string>();
  let next = 0;
  return messages.filter(({ offset, key, isControlRecord, batchContext: { producerId, inTransaction } }) => {
    for (let first = waiting[next]; first && BigInt(first.firstOffset) <= BigInt(offset); first = waiting[++next])
      aborting.add(first.producerId);
    if (!isControlRecord) return !(inTransaction && aborting.has(producerId));
    if (isAbortMarker(key)) aborting.delete(producerId);
    return true;
  });
}

/** The key of a control record is (version int16, type int16); type 0 is ABORT, 1 is COMMIT. */
export const isAbortMarker = (key: Buffer | null): boolean => key !== null && key.length >= 4 && key.readInt16BE(2) === 0;

const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);

interface RequestQueue {
  pending: unknown[];
  throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  checkPendingRequests(): void;
}
/** Unit ms. A queue that is full, not throttled, is looked at whenever an answer arrives; this is only its safety net. */
const PENDING_CHECK_MS = 10;

/** kafkajs re-arms a timer for ever, also with nothing to send: about 800 wake-ups a second for each connection. */
export function scheduleCheckPendingRequests(this: RequestQueue): void {
  if (this.pending.length === 0 || this.throttleCheckTimeoutId !== null) return;
  const throttledMs = this.throttledUntil - Date.now();
  this.throttleCheckTimeoutId = setTimeout(
    () => {
      this.throttleCheckTimeoutId = null;
      this.checkPendingRequests();
    },
    throttledMs > 0 ? Math.max(1, throttledMs) : PENDING_CHECK_MS,
  );
}

interface CoordinatorKey {
  groupId: string;
  coordinatorType?: number;
}
interface CoordinatorBroker {
  isConnected(): boolean;
}
type FindCoordinator = (this: object, key: CoordinatorKey) => Promise<CoordinatorBroker>;

/** kafkajs names for NOT_COORDINATOR and COORDINATOR_NOT_AVAILABLE. */
const COORDINATOR_MOVED = new Set(['NOT_COORDINATOR_FOR_GROUP', 'GROUP_COORDINATOR_NOT_AVAILABLE']);
let coordinatorsMoved = 0;

/** kafkajs asks for the coordinator before each transactional call: one round trip each time. The answer is kept until it may be wrong. */
export function memoiseCoordinator(find: FindCoordinator): FindCoordinator {
  const perCluster = new WeakMap<object, Map<string, { broker: CoordinatorBroker; asOf: number }>>();
  return async function (this: object, key: CoordinatorKey) {
    const known = perCluster.get(this) ?? new Map<string, { broker: CoordinatorBroker; asOf: number }>();
    perCluster.set(this, known);
    const name = `${key.coordinatorType ?? 0}:${key.groupId}`;
    const kept = known.get(name);
    if (kept?.asOf === coordinatorsMoved && kept.broker.isConnected()) return kept.broker;
    const asOf = coordinatorsMoved;
    const broker = await find.call(this, key);
    known.set(name, { broker, asOf });
    return broker;
  };
}

/** Every error answer passes here; one that says "not the coordinator" forgets every memoised coordinator of this process. */
export function noticeMovedCoordinator(error: unknown): void {
  const known = protocolCode(error);
  if (known && COORDINATOR_MOVED.has(known.type)) coordinatorsMoved++;
}

/** As kafkajs opens its sockets, but without Nagle's delay: each of our requests is one small write that somebody waits for. */
export function socketFactory(options: { host: string; port: number; ssl: ConnectionOptions; onConnect: () => void }): Socket {
  const { host, port, onConnect } = options;
  // kafkajs leaves `ssl` undefined without TLS, whatever its types say.
  const ssl = options.ssl as ConnectionOptions | undefined | null;
  const socket = ssl
    ? connectTls({ host, port, ...(isIP(host) ? {} : { servername: host }), ...ssl }, onConnect)
    : connectTcp({ host, port }, onConnect);
  socket.setKeepAlive(true, 60_000);
  socket.setNoDelay(true);
  return socket;
}

/** A request's body; `room`: where in the buffer it begins, if not at 0. */
export interface EncodedBody {
  readonly buffer: Buffer;
  readonly room?: number;
}
interface Framed {
  readonly buffer: Buffer;
  size(): number;
}
type EncodeRequest = (request: {
  correlationId: number;
  clientId: string;
  request: { apiKey: number; apiVersion: number; encode: (room?: number) => Promise<EncodedBody> };
}) => Promise<Framed>;

/**
 * Size, header and body in one buffer: kafkajs copies the body twice more, into zeroed buffers of up to twice its size. A body that left
 * room for what comes before it is not copied at all.
 */
export const frameRequest: EncodeRequest = async ({ correlationId, clientId, request: { apiKey, apiVersion, encode } }) => {
  const clientBytes = Buffer.byteLength(clientId);
  const headBytes = 4 + 2 + 2 + 4 + 2 + clientBytes;
  const { buffer: body, room } = await encode(headBytes);
  const buffer = room === headBytes ? body : Buffer.concat([Buffer.allocUnsafe(headBytes), body]);
  buffer.writeInt32BE(buffer.length - 4, 0);
  buffer.writeInt16BE(apiKey, 4);
  buffer.writeInt16BE(apiVersion, 6);
  buffer.writeInt32BE(correlationId, 8);
  buffer.writeInt16BE(clientBytes, 12);
  buffer.write(clientId, 14);
  return { buffer, size: () => buffer.length };
};

/** Before any other module has captured it. */
function replaceExport<T>(path: string, replacement: (original: T) => T): void {
  const original = require(path) as T;
  const loaded = require.cache[require.resolve(path)];
  if (!loaded) throw new Error(`${path} is not in the cache`);
  loaded.exports = replacement(original);
}

function applyPatches(): void {
  const filterPath = require.resolve('kafkajs/src/consumer/filterAbortedMessages.js');
  const batchPath = require.resolve('kafkajs/src/consumer/batch.js');
  const filter = require(filterPath) as { [MARK]?: true };
  if (filter[MARK]) return;
  if (require.cache[batchPath]) throw new Error('kafkajs was loaded before its patches: import it from kafka/patch.ts only');
  const filterModule = require.cache[filterPath];
  if (!filterModule) throw new Error('kafkajs: module filterAbortedMessages is not in the cache');
  filterModule.exports = Object.assign((input: FilterInput) => filterAborted(input), { [MARK]: true });

  replaceExport<EncodeRequest>('kafkajs/src/protocol/request.js', () => frameRequest);

  const queue = require('kafkajs/src/network/requestQueue/index.js') as { prototype: RequestQueue & Record<string, unknown> };
  queue.prototype['scheduleCheckPendingRequests'] = scheduleCheckPendingRequests;

  const cluster = require('kafkajs/src/cluster/index.js') as { prototype: { findGroupCoordinator: FindCoordinator } };
  cluster.prototype.findGroupCoordinator = memoiseCoordinator(cluster.prototype.findGroupCoordinator);

  type Send = (this: object, request: unknown) => Promise<unknown>;
  const connection = require('kafkajs/src/network/connection.js') as { prototype: { send: Send } };
  const send = connection.prototype.send;
  connection.prototype.send = async function (request) {
    try {
      return await send.call(this, request);
    } catch (error) {
      noticeMovedCoordinator(error);
      throw error;
    }
  };
}

applyPatches();

/** The patched kafkajs. */
export const kafkajs = require('kafkajs') as typeof Kafkajs;

/** A module of kafkajs that is not part of its public face; `T` is the caller's view of it. Safe only because the version is pinned. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller states the shape, as with require itself
export const kafkajsModule = <T>(path: string): T => require(`kafkajs/src/${path}`) as T;
