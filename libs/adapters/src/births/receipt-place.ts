/** Where an input record is, as `receipts` and `verdicts` say it in a header. */
import type { InputTopic, Source, Statement } from '#domain';

export interface InputPlace {
  readonly topic: InputTopic;
  readonly partition: number;
  readonly offset: bigint;
  readonly epoch: number;
}

export const formatPlace = (source: Source): string | undefined =>
  source.kind === 'tick' ? undefined : `${source.topic}/${source.partition}/${source.offset}/${source.epoch}`;

/** From the header of a receipt, which nothing attests; under rules 1 from E. undefined: made from no record, or not said. */
export function placeOfReceipt(header: string | undefined, { predicate: { source } }: Statement): InputPlace | undefined {
  if (source.kind === 'tick') return undefined;
  if ('offset' in source) return { ...source, offset: BigInt(source.offset) };
  const [, topic, partition = '', offset = '', epoch = ''] = PLACE.exec(header ?? '') ?? [];
  if (topic !== source.topic) return undefined;
  return { topic: source.topic, partition: Number(partition), offset: BigInt(offset), epoch: Number(epoch) };
}

const PLACE = /^(controls|outcomes|actions)\/(\d{1,10})\/(\d{1,19})\/(\d{1,10})$/;
