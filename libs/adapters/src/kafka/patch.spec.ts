import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, Socket } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { asPublished } from './as-published.ts';
import {
  type DecodedRecord,
  filterAborted,
  isAbortMarker,
  kafkajsModule,
  memoiseCoordinator,
  noticeMovedCoordinator,
  refuseOtherVersions,
  socketFactory,
} from './patch.ts';

type Filter = typeof filterAborted;

const record = (offset: number, producer: string, key: Buffer | null = null): DecodedRecord => ({
  offset: String(offset),
  key,
  isControlRecord: false,
  batchContext: { producerId: producer, inTransaction: true },
});
const marker = (offset: number, producer: string, kind: 'abort' | 'commit'): DecodedRecord => ({
  ...record(offset, producer, Buffer.from([0, 0, 0, kind === 'abort' ? 0 : 1])),
  isControlRecord: true,
});
const shown = (records: DecodedRecord[]): string[] => records.filter((each) => !each.isControlRecord).map(({ offset }) => offset);

/** Each rule below is shown to be broken in it. */
const publishedFilter = asPublished<Filter>('consumer/filterAbortedMessages.js');

describe('kafkajs version', () => {
  it('is refused when it is not the one that was patched', () => {
    expect(() => {
      refuseOtherVersions('2.2.5');
    }).toThrow('kafkajs 2.2.4 expected, 2.2.5 found');
  });
});

describe('aborted transactions', () => {
  const interleaved = [record(5, 'a'), record(6, 'b'), marker(7, 'a', 'abort'), marker(8, 'b', 'abort'), record(9, 'a')];
  const bothBefore = {
    messages: interleaved,
    abortedTransactions: [
      { producerId: 'a', firstOffset: '1' },
      { producerId: 'b', firstOffset: '2' },
    ],
  };
  const unordered = { ...bothBefore, abortedTransactions: [...bothBefore.abortedTransactions].reverse() };
  const zeroKey = {
    messages: [record(1, 'a', Buffer.from([0, 0, 0, 0])), record(2, 'a'), marker(3, 'a', 'abort')],
    abortedTransactions: [{ producerId: 'a', firstOffset: '1' }],
  };
  // Two transactions began before the first record that is left, as after compaction or at a fetch from the middle.
  const lateStart = { messages: [record(6, 'b'), marker(8, 'b', 'abort')], abortedTransactions: bothBefore.abortedTransactions };

  it('stay hidden when two producers interleave', () => {
    expect(shown(filterAborted(bothBefore))).toEqual(['9']);
    expect(shown(filterAborted(unordered))).toEqual(['9']);
    expect(shown(filterAborted(lateStart))).toEqual([]);
    expect(shown(publishedFilter(lateStart))).toEqual(['6']);
  });

  it('stay hidden when the broker lists them in another order', () => {
    const messages = [record(1, 'a'), marker(2, 'a', 'abort'), record(5, 'b'), marker(6, 'b', 'abort')];
    const abortedTransactions = [
      { producerId: 'b', firstOffset: '5' },
      { producerId: 'a', firstOffset: '1' },
    ];
    expect(shown(filterAborted({ messages, abortedTransactions }))).toEqual([]);
    expect(shown(publishedFilter({ messages, abortedTransactions }))).not.toEqual([]);
  });

  it('are not ended by a record whose key looks like a marker', () => {
    expect(shown(filterAborted(zeroKey))).toEqual([]);
    expect(shown(publishedFilter(zeroKey))).not.toEqual([]);
  });

  it('are ended by an abort marker, not by a commit marker', () => {
    const { abortedTransactions } = zeroKey;
    const ended = (kind: 'abort' | 'commit') =>
      shown(filterAborted({ messages: [record(1, 'a'), marker(2, 'a', kind), record(3, 'a')], abortedTransactions }));
    expect([ended('abort'), ended('commit')]).toEqual([['3'], []]);
    expect(isAbortMarker(Buffer.from([0, 0, 0, 0]))).toBe(true);
    expect(isAbortMarker(Buffer.from([0, 0, 0, 1]))).toBe(false);
    expect(isAbortMarker(null)).toBe(false);
  });

  it('hide nothing that the same producer sent outside of any transaction', () => {
    const outside = { ...record(2, 'a'), batchContext: { producerId: 'a', inTransaction: false } };
    expect(shown(filterAborted({ ...zeroKey, messages: [record(1, 'a'), outside, marker(3, 'a', 'abort')] }))).toEqual(['2']);
  });

  it('are filtered by our function inside kafkajs too', () => {
    const Batch = kafkajsModule<new (topic: string, offset: string, data: object) => { messages: DecodedRecord[] }>('consumer/batch.js');
    expect(shown(new Batch('t', '0', { partition: 0, highWatermark: '9', ...zeroKey }).messages)).toEqual([]);
  });
});

describe('request queue', () => {
  interface Queue {
    pending: unknown[];
    throttledUntil: number;
    throttleCheckTimeoutId: unknown;
    checkPendingRequests(): void;
    scheduleCheckPendingRequests(): void;
  }
  const RequestQueue = kafkajsModule<new (options: object) => Queue>('network/requestQueue/index.js');
  const logger = { debug: () => undefined };
  const queue = (): Queue => new RequestQueue({ maxInFlightRequests: 1, requestTimeout: 1, clientId: 'c', broker: 'b', logger });

  it('arms no timer when nothing is pending', () => {
    const idle = queue();
    idle.checkPendingRequests();
    expect(idle.throttleCheckTimeoutId).toBeNull();
  });

  it('waits for the end of the throttling, once', () => {
    vi.useFakeTimers();
    try {
      const busy = queue();
      busy.pending.push({});
      busy.throttledUntil = Date.now() + 250;
      const check = vi.spyOn(busy, 'checkPendingRequests').mockReturnValue(undefined);
      busy.scheduleCheckPendingRequests();
      busy.scheduleCheckPendingRequests();
      vi.advanceTimersByTime(249);
      expect(check).not.toHaveBeenCalled();
      vi.advanceTimersByTime(1);
      expect(check).toHaveBeenCalledTimes(1);
      busy.scheduleCheckPendingRequests(); // what is pending still is looked at again
      vi.advanceTimersByTime(250);
      expect(check).toHaveBeenCalledTimes(2);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('coordinator', () => {
  const moved = (type: string): Error => Object.assign(new Error(), { type, code: 16 });

  it.each(['NOT_COORDINATOR_FOR_GROUP', 'GROUP_COORDINATOR_NOT_AVAILABLE'])(
    'is looked up once while its broker is connected, and again after %s',
    async (type) => {
      let connected = true;
      const find = vi.fn(() => Promise.resolve({ isConnected: () => connected }));
      const memoised = memoiseCoordinator(find);
      const cluster = {};
      const ask = () => memoised.call(cluster, { groupId: 'lane', coordinatorType: 1 });
      await ask();
      await ask();
      expect(find).toHaveBeenCalledTimes(1);
      noticeMovedCoordinator(moved(type));
      await ask();
      expect(find).toHaveBeenCalledTimes(2);
      connected = false;
      await ask();
      expect(find).toHaveBeenCalledTimes(3);
    },
  );

  it('is one of its own for each type, name and cluster', async () => {
    const find = vi.fn(() => Promise.resolve({ isConnected: () => true }));
    const memoised = memoiseCoordinator(find);
    const cluster = {};
    for (const of of [cluster, {}])
      for (const groupId of ['one', 'two']) for (const coordinatorType of [0, 1]) await memoised.call(of, { groupId, coordinatorType });
    expect(find).toHaveBeenCalledTimes(8);
    await memoised.call(cluster, { groupId: 'one', coordinatorType: 0 });
    expect(find).toHaveBeenCalledTimes(8);
  });

  it('that moved while it was looked up is looked up again', async () => {
    const find = vi.fn(() => {
      noticeMovedCoordinator(moved('NOT_COORDINATOR_FOR_GROUP'));
      return Promise.resolve({ isConnected: () => true });
    });
    const memoised = memoiseCoordinator(find);
    const cluster = {};
    await memoised.call(cluster, { groupId: 'lane' });
    await memoised.call(cluster, { groupId: 'lane' });
    expect(find).toHaveBeenCalledTimes(2);
  });

  it('is looked up again after such an answer on any connection of kafkajs', async () => {
    const find = vi.fn(() => Promise.resolve({ isConnected: () => true }));
    const memoised = memoiseCoordinator(find);
    const cluster = {};
    await memoised.call(cluster, { groupId: 'lane' });
    const Connection = kafkajsModule<{ prototype: { send: (this: object, request: object) => Promise<unknown> } }>('network/connection.js');
    const error = moved('NOT_COORDINATOR_FOR_GROUP');
    const answers = {
      isAuthenticated: () => true,
      failIfNotConnected: () => {
        throw error;
      },
    };
    await expect(Connection.prototype.send.call(answers, { request: { apiKey: 26 } })).rejects.toBe(error);
    await memoised.call(cluster, { groupId: 'lane' });
    expect(find).toHaveBeenCalledTimes(2);
  });

  it('is memoised inside kafkajs', () => {
    const Cluster = kafkajsModule<{ prototype: { findGroupCoordinator: () => unknown } }>('cluster/index.js');
    expect(Cluster.prototype.findGroupCoordinator.toString()).toContain('asOf');
  });
});

describe('sockets', () => {
  const listen = async (host: string): Promise<{ server: Server; port: number }> => {
    const server = createServer().listen(0, host);
    await once(server, 'listening');
    return { server, port: (server.address() as AddressInfo).port };
  };
  const open = (host: string, port: number, ssl: object | undefined) =>
    socketFactory({ host, port, ssl: ssl as never, onConnect: () => undefined });

  it('send small writes at once (TCP_NODELAY), and notice a peer that is gone', async () => {
    const { server, port } = await listen('127.0.0.1');
    const noDelay = vi.spyOn(Socket.prototype, 'setNoDelay');
    const keepAlive = vi.spyOn(Socket.prototype, 'setKeepAlive');
    const socket = open('127.0.0.1', port, undefined);
    await once(socket, 'connect');
    expect(noDelay).toHaveBeenCalledWith(true);
    expect(keepAlive).toHaveBeenCalledWith(true, 60_000);
    socket.destroy();
    server.close();
  });

  it.each([
    { host: 'localhost', names: true },
    { host: '127.0.0.1', names: false }, // RFC 6066: an address is no server name
  ])('begin TLS where it is asked for, and name the host: $host', async ({ host, names }) => {
    const { server, port } = await listen(host);
    const arrived = once(server, 'connection').then(([peer]) => once(peer as Socket, 'data'));
    const socket = open(host, port, {});
    socket.on('error', () => undefined); // nobody answers the handshake
    const [hello] = (await arrived) as [Buffer];
    expect(hello[0]).toBe(22); // a handshake record, RFC 8446
    expect(hello.includes(host)).toBe(names);
    socket.destroy();
    server.close();
  });
});

describe('loading', () => {
  it('refuses a kafkajs that was loaded before its patches', () => {
    const patch = new URL('./patch.ts', import.meta.url).href;
    const script = `import 'kafkajs'; await import(${JSON.stringify(patch)});`;
    const { stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      cwd: import.meta.dirname,
    });
    expect(stderr).toContain('kafkajs was loaded before its patches');
    expect(status).toBe(1);
  });
});
