/** What a producer saw acknowledged, for I6: a file of JSON, one record a line. */
import { readFileSync } from 'node:fs';

import { type Acknowledgement, fromUtf8, INPUT_TOPICS } from '#domain';

import { CliError, explain } from './errors.ts';

export function readAcks(file: string): Acknowledgement[] {
  let text: string;
  try {
    text = fromUtf8(readFileSync(file));
  } catch (error) {
    throw new CliError(`--acks ${file} cannot be read (${explain(error)})`);
  }
  return text.split('\n').flatMap((line, at) => {
    if (line.trim() === '') return [];
    try {
      return [readAck(JSON.parse(line) as Record<string, unknown>)];
    } catch {
      throw new CliError(`--acks ${file} line ${at + 1}: expected {"topic":"actions","partition":0,"offset":"17"}`);
    }
  });
}

function readAck({ topic, partition, offset }: Record<string, unknown>): Acknowledgement {
  const known = INPUT_TOPICS.find((name) => name === topic);
  const isOffset = typeof offset === 'string' ? /^\d{1,19}$/.test(offset) : isCount(offset);
  if (!known || !isCount(partition) || !isOffset) throw new Error('not an acknowledgement');
  return { topic: known, partition, offset: BigInt(offset as string | number) };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
