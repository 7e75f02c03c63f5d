import { codecs, type FetchedPartition, type FetchPosition, type LogReader } from '#adapters';

const FETCH = { maxWaitMs: 100, minBytes: 1, maxBytesPerPartition: 8 * 1024 * 1024 };

/** Input keys of entries that are not attested yet, read beside the ledger. Erased keys are not in it. */
export class InputKeys {
  readonly #keys = new Map<string, { readonly key: Uint8Array; readonly offset: bigint }>();
  #next: bigint;

  constructor(
    private readonly topic: string,
    private readonly lane: number,
    from: bigint,
  ) {
    this.#next = from;
  }

  get position(): FetchPosition {
    return { topic: this.topic, partition: this.lane, offset: this.#next };
  }

  /** Where a successor must read from: the first key that is still wanted, else the next one. */
  get restartOffset(): bigint {
    for (const { offset } of this.#keys.values()) return offset;
    return this.#next;
  }

  take(fetched: FetchedPartition): void {
    if (fetched.error) throw fetched.error;
    for (const { key, value, offset } of fetched.records) {
      const name = key?.toString() ?? '';
      this.#keys.delete(name);
      const read = value === null ? undefined : keyIn(value);
      if (read) this.#keys.set(name, { key: read, offset });
    }
    this.#next = fetched.nextOffset;
  }

  get(name: string): Uint8Array | undefined {
    return this.#keys.get(name)?.key;
  }

  forget(name: string): void {
    this.#keys.delete(name);
  }

  /**
   * Reads on until all of `names` are there, or until everything is read that the topic held at the time of the call. Called after their
   * ledger records were read: they were written in the same transaction, so a key that is missing then was erased.
   */
  async until(names: readonly string[], reader: LogReader, signal: AbortSignal): Promise<void> {
    const isMissing = (): boolean => names.some((name) => !this.#keys.has(name));
    if (!isMissing()) return;
    const [ends] = await reader.endOffsets([this.position]);
    while (isMissing() && this.#next < (ends?.highWatermark ?? 0n)) {
      const [fetched] = await reader.fetch([this.position], { ...FETCH, signal });
      if (fetched) this.take(fetched);
    }
  }
}

/** undefined for what no decider wrote: the verdict then comes without its proposal, and receipts never depend on it. */
function keyIn(value: Uint8Array): Uint8Array | undefined {
  try {
    return codecs.inputKey.decode(value).key;
  } catch {
    return undefined;
  }
}
