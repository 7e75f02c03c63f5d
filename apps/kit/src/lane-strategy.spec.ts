import { Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { FencedError } from '#adapters';
import { LaneHalted, LedgerBroken } from '#domain';

import { LaneController, OnLane, type LaneLease } from './lane-lease.ts';
import type { LeaseEvents } from './lane-strategy.ts';
import { startLaneApp, type LaneApp } from './start-lane-app.ts';

type Handler = (lease: LaneLease) => Promise<void>;
const HANDLER = Symbol('handler');

@LaneController()
class Lanes {
  constructor(@Inject(HANDLER) private readonly handler: Handler) {}
  @OnLane('test')
  own(@Payload() lease: LaneLease): Promise<void> {
    return this.handler(lease);
  }
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      resolve();
    });
  });

let app: LaneApp | undefined;
afterEach(() => app?.close());

async function started(handler: Handler) {
  const given: number[] = [];
  let events: LeaseEvents | undefined;
  const lane = new AbortController();
  const close = vi.fn(() => Promise.resolve());
  app = await startLaneApp({
    name: 'test',
    controller: Lanes,
    providers: [{ provide: HANDLER, useValue: handler }],
    openLeases: (offered) => {
      events = offered;
      return { giveUp: (number) => given.push(number), close };
    },
    port: 0,
  });
  const { port, health } = app;
  const assign = (): Promise<void> | undefined => {
    const ended = events?.onAssigned(0, lane.signal);
    events?.onJoined();
    return ended;
  };
  return { given, health, lane, close, port, assign, events: () => events };
}

const get = async (port: number, path: string) => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: response.status, text: await response.text() };
};

describe('LaneStrategy', () => {
  it('is not ready before the group has said which lanes are here, and is when there are none', async () => {
    const { health, events } = await started(({ signal }) => untilAborted(signal));
    expect(health.reasons).toMatchObject([{ name: 'group', code: 'JOINING', state: 'waiting' }]);
    events()?.onJoined();
    expect(health.reasons).toEqual([]);
  });
  it('runs the handler while the lease holds and is ready once the handler says so', async () => {
    const entered = Promise.withResolvers<LaneLease>();
    const { assign, port, lane } = await started((lease) => {
      entered.resolve(lease);
      return untilAborted(lease.signal);
    });
    const owned = assign();
    const lease = await entered.promise;
    expect(lease.lane).toBe(0);
    expect(await get(port, '/readyz')).toMatchObject({ status: 503, text: expect.stringContaining('NOT_YET') as string });
    expect(app?.readyLanes).toEqual([]);
    lease.ready();
    expect(app?.readyLanes).toEqual([0]);
    expect((await get(port, '/readyz')).status).toBe(200);
    expect((await get(port, '/healthz')).status).toBe(200);
    expect((await get(port, '/metrics')).text).toContain('countersign_lanes_owned{app="test"} 1');
    lane.abort();
    await owned;
    expect((await get(port, '/metrics')).text).toContain('countersign_lanes_owned{app="test"} 0');
  });

  it('hands a lane back that a successor owns', async () => {
    const { assign, given } = await started(() => Promise.reject(new FencedError('fenced', true, undefined)));
    void assign();
    await vi.waitFor(() => {
      expect(given).toEqual([0]);
    });
  });

  it.each([new FencedError('forgotten', false, undefined), new TypeError('anything else')])('takes over again after %s', async (error) => {
    let runs = 0;
    const { assign, given, health } = await started((lease) => {
      if (++runs < 3) return Promise.reject(error);
      lease.ready();
      return untilAborted(lease.signal);
    });
    void assign();
    await vi.waitFor(() => {
      expect(runs).toBe(3);
    });
    expect(health.reasons).toEqual([]);
    expect(given).toEqual([]);
  });

  it.each([new LaneHalted('FORKED', 'tail lost'), new LedgerBroken('LINK', 'does not link')])(
    'leaves a lane halted after %s, and says so',
    async (error) => {
      let runs = 0;
      const { assign, health, port } = await started(() => {
        runs++;
        return Promise.reject(error);
      });
      void assign();
      await vi.waitFor(() => {
        expect(health.reasons).toEqual([{ name: 'lane 0', code: error.code, state: 'failed', reason: `${error.code}: ${error.message}` }]);
      });
      const { text } = await get(port, '/readyz');
      expect(text).toContain(error.code);
      expect(text).not.toContain(error.message); // anyone may ask, and it may hold offsets and origins
      expect((await get(port, '/healthz')).status).toBe(200);
      expect(runs).toBe(1);
    },
  );

  it('close leaves the group, aborts the lanes and waits for their handlers', async () => {
    let ended = false;
    const { assign, close } = await started(async ({ signal, ready }) => {
      ready();
      await untilAborted(signal);
      await Promise.resolve();
      ended = true;
    });
    void assign();
    await app?.close();
    app = undefined;
    expect(close).toHaveBeenCalledOnce();
    expect(ended).toBe(true);
  });

  it('reports the loss of the group', async () => {
    const { events, health } = await started(() => Promise.resolve());
    events()?.onFatal(new Error('gone'));
    expect(await app?.fatal).toBeInstanceOf(Error);
    expect(health.reasons).toMatchObject([{ name: 'group', state: 'failed' }]);
  });
});
