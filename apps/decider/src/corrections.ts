import { type LaneLog, type LogReader, readToEnd } from '#adapters';
import { decide, type DecideContext, type LaneState } from '#domain';

/** What `decide` would seal an input with: nothing of such a trial is kept. */
const NO_KEY = new Uint8Array(32);

/**
 * Looks ahead on `controls` for the admin's `time.corrected`, while nothing of it may be decided. It may stand behind any number of others, so
 * it is not looked for among those that wait.
 */
export class Corrections {
  #reader: LogReader | undefined;
  #next: bigint | undefined;

  constructor(
    private readonly laneLog: Pick<LaneLog, 'openReader'>,
    private readonly topic: string,
    private readonly context: Omit<DecideContext, 'nowMs'>,
  ) {}

  /** Offset of one that would be accepted at `nowMs`; what was seen before is not looked at again. */
  async find(state: LaneState, nowMs: number, signal: AbortSignal): Promise<bigint | undefined> {
    this.#reader ??= await this.laneLog.openReader();
    const place = { topic: this.topic, partition: state.heads.lane };
    const from = this.#next ?? state.positions.controls.next;
    const to = (await this.#reader.endOffsets([place]))[0]?.lastStable ?? from;
    const context = { ...this.context, nowMs };
    let found: bigint | undefined;
    if (to <= from) return undefined;
    this.#next = await readToEnd(
      this.#reader,
      { ...place, from, to },
      ({ offset, value }) => {
        const [entry] = decide(state, { kind: 'record', topic: 'controls', offset, value, inputKey: NO_KEY }, context).entries;
        if (entry?.kind === 'time.corrected') found = offset;
      },
      signal,
    );
    return found;
  }

  async close(): Promise<void> {
    await this.#reader?.close();
  }
}
