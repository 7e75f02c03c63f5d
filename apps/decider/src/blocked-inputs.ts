import { blockerText, type Ending, type FetchedPartition, type LaneLog, type Log } from '#adapters';
import type { InputTopic } from '#domain';

/** Unit ms. A client that writes in transactions ends each within milliseconds; one that still stands after this holds up what others sent. */
export const BLOCKED_AFTER_MS = 5000;
/**
 * Unit ms. After one had to be aborted on the topic, the next ones get so long, for OFFENCE_MS: who keeps opening transactions must not slow
 * the lane down to one record every five seconds.
 */
const BLOCKED_AGAIN_AFTER_MS = 500;
const OFFENCE_MS = 10 * 60_000;
/** Unit ms: what could not be aborted is tried again after this. */
const RETRY_MS = 10_000;

/** How far the readable end of an input topic is behind its end, and since when it has stood still there; both 0 when it does not. */
export interface ReadableEnd {
  readonly records: number;
  readonly blockedMs: number;
}

export interface BlockedOptions {
  readonly lane: number;
  readonly topicName: (name: string) => string;
  readonly laneLog: Pick<LaneLog, 'endBlocking'>;
  /** Whether a transactional id is one of the ledger's own services'. */
  readonly isOurs: (transactionalId: string) => boolean;
  readonly log: Log;
  readonly monotonicMs: () => number;
  /** Why the topic stands still, and undefined once it goes on. */
  readonly onBlocked: (topic: InputTopic, why: string | undefined) => void;
  readonly onReadable: (topic: InputTopic, end: ReadableEnd) => void;
}

interface Standing {
  readonly at: bigint;
  readonly sinceMs: number;
  isTold: boolean;
  isTrying: boolean;
  retryAtMs: number;
}

/**
 * Watches the readable end of the input topics of one lane. Where it stands still below the log's end, an open transaction of some client keeps
 * everybody's records from being decided: it is named in an alarm, and aborted where that is possible. The lane's other topics go on meanwhile.
 */
export class BlockedInputs {
  readonly #standing = new Map<InputTopic, Standing>();
  readonly #offenceMs = new Map<InputTopic, number>();

  constructor(private readonly options: BlockedOptions) {}

  /** What a fetch of the topic answered. */
  see(topic: InputTopic, { nextOffset, highWatermark, lastStableOffset, error }: FetchedPartition): void {
    if (error) return;
    const known = this.#standing.get(topic);
    if (lastStableOffset >= highWatermark || nextOffset < lastStableOffset || (known && known.at !== lastStableOffset)) this.#goesOn(topic);
    if (lastStableOffset >= highWatermark || nextOffset < lastStableOffset) return;
    const nowMs = this.options.monotonicMs();
    const standing = this.#standing.get(topic) ?? { at: lastStableOffset, sinceMs: nowMs, isTold: false, isTrying: false, retryAtMs: 0 };
    this.#standing.set(topic, standing);
    const blockedMs = nowMs - standing.sinceMs;
    this.options.onReadable(topic, { records: Number(highWatermark - lastStableOffset), blockedMs });
    if (blockedMs < this.#graceMs(topic, nowMs) || standing.isTrying || nowMs < standing.retryAtMs) return;
    standing.isTrying = true;
    void this.#end(topic, standing).finally(() => {
      standing.isTrying = false;
      standing.retryAtMs = this.options.monotonicMs() + RETRY_MS;
    });
  }

  /** The lane is let go: what is still being asked for tells nobody any more. */
  stop(): void {
    for (const topic of this.#standing.keys()) this.#goesOn(topic);
  }

  #graceMs(topic: InputTopic, nowMs: number): number {
    const offenceMs = this.#offenceMs.get(topic) ?? -Infinity;
    return nowMs - offenceMs < OFFENCE_MS ? BLOCKED_AGAIN_AFTER_MS : BLOCKED_AFTER_MS;
  }

  #goesOn(topic: InputTopic): void {
    const standing = this.#standing.get(topic);
    if (!standing) return;
    this.#standing.delete(topic);
    this.options.onReadable(topic, { records: 0, blockedMs: 0 });
    if (standing.isTold) this.options.onBlocked(topic, undefined);
  }

  async #end(topic: InputTopic, standing: Standing): Promise<void> {
    const { lane, topicName, laneLog, isOurs } = this.options;
    let ended: Ending | undefined;
    try {
      ended = await laneLog.endBlocking({ topic: topicName(topic), partition: lane }, isOurs);
    } catch (error) {
      this.#tell(
        topic,
        standing,
        `${topic}/${lane} cannot be read past offset ${standing.at}, and what blocks it cannot be told: ${String(error)}`,
      );
      return;
    }
    if (!ended) return; // it has ended by itself
    const { blocker, left } = ended;
    if (left === undefined) this.#offenceMs.set(topic, this.options.monotonicMs());
    const { transactionalId, producerId } = blocker;
    const details = { transactionalId, producerId: String(producerId), offset: String(blocker.firstOffset), outcome: left ?? 'aborted' };
    this.#tell(topic, standing, left === undefined ? `${blockerText(blocker)}: aborted` : `${blockerText(blocker)}: ${left}`, details);
  }

  #tell(topic: InputTopic, standing: Standing, why: string, details: object = {}): void {
    const { lane, log, onBlocked } = this.options;
    log.error({ lane, topic, code: 'BLOCKED', alarm: true, ...details }, why);
    if (this.#standing.get(topic) !== standing) return; // it goes on already
    standing.isTold = true;
    onBlocked(topic, why);
  }
}
