/**
 * Controls published first and confirmed afterwards: by the verified receipt of each one's entry, read from where `receipts` ended before
 * anything was published. What that costs does not grow with the ledger.
 */
import { parseProof, parseStatement, type Statement } from '#domain';

import type { PublishedControl } from '../births/publish.ts';
import { matcher } from '../births/receipt-of-sent.ts';
import { placeOfReceipt } from '../births/receipt-place.ts';
import { textOf } from '../births/facts.ts';
import type { ControlRecord } from '../controls/controls.ts';
import type { KafkaRecord } from '../kafka/records.ts';
import type { LogReader } from '../kafka/reader.ts';
import { codecs, type ReceiptRecord } from '../wire/codec.ts';
import { type KeysHome, LogKeysFinder } from './log-keys.ts';

/** A control that Kafka has. */
export interface SentControl extends PublishedControl {
  readonly record: ControlRecord;
}
/** What became of a control. `kind` and `statement` are those of the first entry that was made from it. */
export type ControlAnswer =
  | { readonly state: 'entered'; readonly kind: string; readonly tenant: string; readonly statement: Statement }
  | { readonly state: 'refused'; readonly detail: string }
  | { readonly state: 'missing' };

export interface ConfirmOptions {
  readonly home: KeysHome;
  readonly reader: LogReader;
  readonly lanes: readonly number[];
  /** The keys of a log are looked for, from the first receipt of the lane on: (read, to read). */
  readonly onProgress?: (done: bigint, total: bigint) => void;
}

export class ControlConfirmation {
  readonly #keys: LogKeysFinder;

  private constructor(
    private readonly options: ConfirmOptions,
    /** By lane: where its receipts ended before anything was published. */
    private readonly since: ReadonlyMap<number, bigint>,
  ) {
    this.#keys = new LogKeysFinder(options.home, options.reader, options.onProgress ?? (() => undefined));
  }

  /** Notes where the receipts of the lanes end. Call before the controls are published. */
  static async start(options: ConfirmOptions): Promise<ControlConfirmation> {
    const topic = options.home.topic('receipts');
    const ends = await options.reader.endOffsets(options.lanes.map((partition) => ({ topic, partition })));
    return new ControlConfirmation(options, new Map(ends.map(({ partition, lastStable }) => [partition, lastStable])));
  }

  /** One answer for each, in the given order: `missing` when no receipt has come within the time, unit ms. */
  async answers(sent: readonly SentControl[], withinMs: number): Promise<ControlAnswer[]> {
    const { reader, home } = this.options;
    const topic = home.topic('receipts');
    const waiting = sent.map((control, at) => ({ at, lane: control.lane, isOf: this.#matcherOf(control) }));
    const answers = sent.map((): ControlAnswer => ({ state: 'missing' }));
    const next = new Map(this.since);
    const started = performance.now();
    const isOpen = ({ at }: { at: number }): boolean => answers[at]?.state === 'missing';
    while (waiting.some(isOpen) && performance.now() - started < withinMs) {
      const lanes = [...new Set(waiting.filter(isOpen).map(({ lane }) => lane))];
      const fetched = await reader.fetch(lanes.map((lane) => ({ topic, partition: lane, offset: next.get(lane) ?? 0n })));
      for (const { partition, records, nextOffset, error } of fetched) {
        if (error && !error.retriable) throw error;
        for (const record of records) {
          for (const control of waiting.filter((each) => each.lane === partition && isOpen(each))) {
            const answer = await this.#answerIn(record, partition, control.isOf);
            if (answer) answers[control.at] = answer;
          }
        }
        next.set(partition, nextOffset);
      }
    }
    return answers;
  }

  #matcherOf({ lane, offset, record: { value } }: SentControl): ReturnType<typeof matcher> {
    return matcher({ topic: 'controls', partition: lane, offset, value, sinceReceipt: this.since.get(lane) ?? 0n });
  }

  /** undefined: of something else, or nothing that a log of the ledger has signed. */
  async #answerIn(receipt: KafkaRecord, lane: number, isOf: ReturnType<typeof matcher>): Promise<ControlAnswer | undefined> {
    const { value, offset, headers } = receipt;
    const record = value ? codecs.receipt.decode(value) : undefined;
    const stated = record && unproven(record);
    if (!record || !stated) return undefined;
    const { statement, kind } = stated;
    if (!isOf({ record, kind, statement, offset, place: placeOfReceipt(headers['place'], statement) })) return undefined;
    const proved = await this.#keys.prove(lane, record);
    if (!proved) return undefined;
    if (kind !== 'input.refused') return { state: 'entered', kind, tenant: record.tenant, statement: proved };
    return { state: 'refused', detail: `${textOf(proved.predicate, 'code')} (${textOf(proved.predicate, 'detail')})` };
  }
}

/** What the receipt says, before anything of it is believed. */
function unproven({ proof }: ReceiptRecord): ReturnType<typeof parseStatement> | undefined {
  try {
    const { entry } = parseProof(proof);
    return entry && parseStatement(entry);
  } catch {
    return undefined;
  }
}
