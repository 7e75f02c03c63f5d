import fc from 'fast-check';
import { expect, it } from 'vitest';

import { crc32c } from './crc32c.ts';

it('known answers of RFC 3720, B.4', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, at) => at))).toBe(0x46dd794e);
  expect(crc32c(new Uint8Array())).toBe(0);
});

it('is what bit by bit gives, for every length, wherever in memory it lies', () => {
  const slow = (bytes: Uint8Array): number => {
    let crc = 0xffffffff;
    for (const byte of bytes) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    }
    return (crc ^ 0xffffffff) >>> 0;
  };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100, size: 'max' }), fc.nat(9), (whole, from) => {
      const bytes = whole.subarray(from);
      expect(crc32c(bytes)).toBe(slow(bytes));
    }),
  );
});
