/** What a journal must do so that no effect runs twice: the same rules for a file, for memory, and for a caller's own. */
import { expect, it } from 'vitest';

import { type Journal, JournalLost, type JournalRecord } from '#sdk';

/** One journal, as several executors open it: also some that do not see one another's locks, as on two hosts that share a volume. */
export interface JournalPlace {
  open(): Journal | Promise<Journal>;
}

const claimed: JournalRecord = { kind: 'claimed', claim: 'c-1', decision: '3', action: 'a', offset: '5' };
const running: JournalRecord = { kind: 'running', claim: 'c-1', part: 'result', resultBy: '2026-01-01T00:00:00.000Z' };
const ended: JournalRecord = { kind: 'ended', claim: 'c-1', why: 'done' };

export function journalContract(makePlace: () => JournalPlace): void {
  it('loads what was appended, in order, also by its next owner', async () => {
    const place = makePlace();
    const first = await place.open();
    for (const record of [claimed, running]) await first.append(record);
    expect(await first.load()).toEqual([claimed, running]);
    await first.close();
    const second = await place.open();
    expect(await second.load()).toEqual([claimed, running]);
    await second.close();
  });

  it('rejects every append of an owner after another has opened it', async () => {
    const place = makePlace();
    const former = await place.open();
    await former.append(claimed);
    const latter = await place.open();
    await expect(former.append(running)).rejects.toBeInstanceOf(JournalLost);
    await latter.append(running);
    await latter.append(ended);
    await expect(former.append(ended)).rejects.toBeInstanceOf(JournalLost);
    await Promise.all([former.close(), latter.close()]);
  });

  it('never lets an owner go on with what its successor does not know, whoever comes first', async () => {
    for (const isOpenedFirst of [false, true]) {
      const place = makePlace();
      const former = await place.open();
      await former.append(claimed);
      const open = async () => {
        const latter = await place.open();
        return { latter, known: await latter.load() };
      };
      // Both begin before either goes on.
      const opening = isOpenedFirst ? open() : undefined;
      const appending = former.append(running);
      const [append, next] = await Promise.allSettled([appending, opening ?? open()]);
      if (next.status === 'rejected') throw next.reason as Error;
      const isKnown = next.value.known.some(({ kind }) => kind === 'running');
      expect(append.status === 'rejected' || isKnown).toBe(true);
      await Promise.all([former.close(), next.value.latter.close()]);
    }
  });

  it('closes for an owner that has lost it, and stays with its successor', async () => {
    const place = makePlace();
    const former = await place.open();
    const latter = await place.open();
    await former.close();
    await latter.append(claimed);
    expect(await latter.load()).toEqual([claimed]);
    await latter.close();
  });
}
