import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, expect, it } from 'vitest';

import { readAcks } from './acks.ts';
import { CliError } from './errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-acks-'));
const file = join(folder, 'acks');
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const acksOf = (content: string | Buffer) => {
  writeFileSync(file, content);
  return readAcks(file);
};

it('reads one a line, an offset as a number or in digits, and passes over empty lines', () => {
  const first = '{"topic":"actions","partition":0,"offset":"9223372036854775807"}';
  expect(acksOf(`${first}\n\n{"topic":"controls","partition":2,"offset":3,"more":1}\n`)).toEqual([
    { topic: 'actions', partition: 0, offset: 9223372036854775807n },
    { topic: 'controls', partition: 2, offset: 3n },
  ]);
  expect(acksOf('')).toEqual([]);
});

it.each(['""', '" 17 "', '"0x11"', '"-1"', '9007199254740993', '1.5', '-1', 'null', 'true'])(
  'refuses an offset of %s by its line',
  (offset) => {
    const content = `\n\n{"topic":"actions","partition":0,"offset":${offset}}`;
    expect(() => acksOf(content)).toThrow(`--acks ${file} line 3: expected {"topic":"actions","partition":0,"offset":"17"}`);
  },
);

it('refuses a topic or a partition that there is not, what is no JSON, and what is no UTF-8', () => {
  for (const bad of ['{"topic":"ledger","partition":0,"offset":1}', '{"topic":"actions","partition":-1,"offset":1}', 'x', 'null', '[]'])
    expect(() => acksOf(bad)).toThrow(`${file} line 1`);
  expect(() => acksOf(Buffer.from([0xff]))).toThrow(CliError);
});
