/** Controls onto `controls`, and waiting until the ledger has decided them. */
import { sha256Hex } from '#crypto';

import type { ControlRecord } from '../controls/controls.ts';
import type { Home } from '../home/home.ts';
import type { PlainWriter } from '../kafka/index.ts';
import { wire } from '../wire/codec.ts';
import type { LedgerFacts } from './facts.ts';
import type { LedgerFollower } from './follow.ts';

export interface PublishedControl {
  readonly id: string;
  readonly lane: number;
  readonly offset: bigint;
  /** Hex SHA-256 of its payload: its place alone means another record once the topic was made anew. undefined: not known. */
  readonly digest?: string | undefined;
}

/** In the given order on each lane. */
export async function publishControls(
  home: Home,
  writer: Pick<PlainWriter, 'send'>,
  controls: readonly ControlRecord[],
): Promise<PublishedControl[]> {
  const published: PublishedControl[] = [];
  for (const { topic, lane, key, value, id } of controls) {
    const record = { topic: home.topic(topic), partition: lane, key: Buffer.from(key), value: Buffer.from(value) };
    const [sent] = await writer.send([record]);
    const payload = wire.decodeEnvelope(value)?.payload;
    published.push({ id, lane, offset: sent?.baseOffset ?? -1n, digest: payload && sha256Hex(payload) });
  }
  return published;
}

export class BirthError extends Error {
  override readonly name = 'BirthError';
  constructor(
    readonly code: 'NOT_CONFIRMED' | 'REFUSED' | 'OTHER_RECORD' | 'OTHER_LEDGER' | 'UNKNOWN_TENANT',
    message: string,
  ) {
    super(message);
  }
}

export interface Waiting {
  readonly follower: LedgerFollower;
  readonly facts: LedgerFacts;
  /** Unit ms, for all of it. */
  readonly withinMs: number;
  readonly onProgress: (line: string) => void;
}

/**
 * Resolves once every control has its entry. Throws BirthError: NOT_CONFIRMED after the time, REFUSED with the ledger's own reason,
 * OTHER_RECORD when the ledger has decided another record at its place.
 */
export async function confirmControls(published: readonly PublishedControl[], waiting: Waiting): Promise<void> {
  await untilDecided(published, waiting);
  for (const { id, lane, offset, digest } of published) {
    const answer = waiting.facts.controlAnswer(lane, offset, digest);
    if (answer === 'other') throw new BirthError('OTHER_RECORD', `${id}: ${otherRecord(lane, offset)}`);
    if (typeof answer === 'object') throw new BirthError('REFUSED', `${id} on lane ${lane}: the ledger refused it with ${answer.refused}`);
  }
}

/** What to tell of a control whose place holds another one. */
export const otherRecord = (lane: number, offset: bigint): string =>
  `the ledger has decided another record at controls/${lane} offset ${offset}: the topic was made anew or lost its tail; run countersign doctor`;

/** The same without a look at what was decided. Throws BirthError NOT_CONFIRMED. */
export async function untilDecided(places: readonly PublishedControl[], waiting: Waiting): Promise<void> {
  const { follower, facts, withinMs, onProgress } = waiting;
  const started = performance.now();
  let saidAt = started;
  const open = (): PublishedControl[] => places.filter(({ lane, offset }) => facts.decidedUpTo('controls', lane) <= offset);
  while (open().length > 0) {
    for (const entry of await follower.poll(100)) facts.add(entry);
    const now = performance.now();
    if (now - saidAt > 1000) {
      saidAt = now;
      onProgress(`waiting for the decider: ${places.length - open().length} of ${places.length} controls on the ledger`);
    }
    if (now - started > withinMs && open().length > 0) {
      const what = `${open().length} of ${places.length} controls have no entry after ${Math.round(withinMs / 1000)} s`;
      throw new BirthError('NOT_CONFIRMED', `${what}: they are published; start a decider (npm start), then run this command again`);
    }
  }
}
