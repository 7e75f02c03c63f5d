/** CRC-32C (Castagnoli; RFC 3720, B.4), which covers every record batch. Eight bytes at a time instead of one by one. */
const POLYNOMIAL = 0x82f63b78; // reflected
const SLICES = 8;

/** SLICES tables of 256: what a byte does to the checksum when 0, 1, … 7 bytes follow it. */
const TABLE = new Int32Array(SLICES * 256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  TABLE[byte] = crc;
}
for (let at = 256; at < TABLE.length; at++) {
  const before = of(at - 256);
  TABLE[at] = of(before & 0xff) ^ (before >>> 8);
}

function of(index: number): number {
  return TABLE[index] ?? 0;
}

export function crc32c(bytes: Uint8Array): number {
  const eights = bytes.length - (bytes.length % SLICES);
  let crc = -1;
  let at = 0;
  for (; at < eights; at += SLICES) {
    crc ^= byte(bytes, at) | (byte(bytes, at + 1) << 8) | (byte(bytes, at + 2) << 16) | (byte(bytes, at + 3) << 24);
    crc =
      of(0x700 | (crc & 0xff)) ^
      of(0x600 | ((crc >>> 8) & 0xff)) ^
      of(0x500 | ((crc >>> 16) & 0xff)) ^
      of(0x400 | (crc >>> 24)) ^
      of(0x300 | byte(bytes, at + 4)) ^
      of(0x200 | byte(bytes, at + 5)) ^
      of(0x100 | byte(bytes, at + 6)) ^
      of(byte(bytes, at + 7));
  }
  for (; at < bytes.length; at++) crc = of((crc ^ byte(bytes, at)) & 0xff) ^ (crc >>> 8);
  return ~crc >>> 0;
}

const byte = (bytes: Uint8Array, at: number): number => bytes[at] ?? 0;
