/** CRC-32C (Castagnoli; RFC 3720, B.4), which covers every record batch. Four words at a time instead of byte by byte. */
const POLYNOMIAL = 0x82f63b78; // reflected
const SLICES = 16;
const WORD_BYTES = 4;

/** SLICES tables of 256: what a byte does to the checksum when 0, 1, … 15 bytes follow it. */
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
  if (!IS_LITTLE_ENDIAN || bytes.length < SLICES) return ~eachByte(-1, bytes, 0, bytes.length) >>> 0;
  const from = -bytes.byteOffset & (WORD_BYTES - 1);
  const end = bytes.length - ((bytes.length - from) % SLICES);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + from, (end - from) / WORD_BYTES);
  let crc = eachByte(-1, bytes, 0, from);
  for (let at = 0; at < words.length; at += 4) {
    crc ^= words[at] ?? 0;
    crc = word(0xc00, crc) ^ word(0x800, words[at + 1] ?? 0) ^ word(0x400, words[at + 2] ?? 0) ^ word(0, words[at + 3] ?? 0);
  }
  return ~eachByte(crc, bytes, end, bytes.length) >>> 0;
}

/** The first byte of a word is its lowest. Elsewhere every byte goes alone. */
const IS_LITTLE_ENDIAN = new Uint8Array(Int32Array.of(1).buffer)[0] === 1;

/** Of four bytes, by the four tables from `base` on. */
function word(base: number, bits: number): number {
  return (
    of(base | 0x300 | (bits & 0xff)) ^
    of(base | 0x200 | ((bits >>> 8) & 0xff)) ^
    of(base | 0x100 | ((bits >>> 16) & 0xff)) ^
    of(base | (bits >>> 24))
  );
}

function eachByte(before: number, bytes: Uint8Array, from: number, end: number): number {
  let crc = before;
  for (let at = from; at < end; at++) crc = of((crc ^ (bytes[at] ?? 0)) & 0xff) ^ (crc >>> 8);
  return crc;
}
