import { describe, expect, it } from 'vitest';

import { Denied, Unavailable } from '../errors.ts';
import type { Notice } from './notice.ts';
import { Teller } from './notice.ts';
import type { OpenClaim } from './open-claim.ts';
import { Outbox } from './outbox.ts';
import { Closed } from './tasks.ts';

const away = (): Promise<never> => Promise.reject(new Unavailable('BROKER_UNAVAILABLE', 'away', 'c'));

function outbox(onPause: (ms: number) => void = () => undefined) {
  const notices: Notice[] = [];
  const pause = (ms: number, signal: AbortSignal): Promise<void> => {
    onPause(ms);
    return signal.aborted ? Promise.reject(signal.reason as Error) : Promise.resolve();
  };
  return { notices, outbox: new Outbox({ pause }, new Teller((notice) => notices.push(notice))) };
}
const openClaim = (answered = false): OpenClaim => ({ answered, verdict: { actionId: 'a', statement: { predicate: {} } } }) as OpenClaim;

describe('an outbox', () => {
  it('tries until Kafka has it, and waits longer each time, up to 10 s', async () => {
    const pauses: number[] = [];
    let tries = 0;
    const send = (): Promise<unknown> => (++tries < 8 ? away() : Promise.resolve());
    expect(await outbox((ms) => pauses.push(ms)).outbox.send(openClaim(), send)).toBe(true);
    expect(pauses).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  });

  it('tries no claim again that was answered meanwhile: it had arrived', async () => {
    const open = openClaim();
    const send = (): Promise<never> => {
      open.answered = true;
      return away();
    };
    const { outbox: box, notices } = outbox(() => {
      throw new Error('waited');
    });
    expect(await box.send(open, send)).toBeUndefined();
    expect(notices).toEqual([]);
  });

  it('tries a report of an answered claim again all the same', async () => {
    let tries = 0;
    expect(await outbox().outbox.send(openClaim(true), () => (++tries < 3 ? away() : Promise.resolve()))).toBe(true);
  });

  it('says what can never be sent', async () => {
    const { outbox: box, notices } = outbox();
    expect(await box.send(openClaim(), () => Promise.reject(new Denied('DENY_MALFORMED', 'no claim')))).toBe(false);
    expect(notices).toMatchObject([{ code: 'NOT_SENT', level: 'alarm', detail: 'no claim' }]);
  });

  it('gives up without a word when the executor ends', async () => {
    const { outbox: box, notices } = outbox();
    box.close(new Closed());
    await expect(box.send(openClaim(), away)).rejects.toBeInstanceOf(Closed);
    expect(notices).toEqual([]);
  });
});
