/** Kafka's numbers, texts and bytes, one after the other into one buffer. */
export class Out {
  at: number;
  #buffer: Buffer;

  /** `room`: bytes to be left free at the beginning. */
  constructor(size: number, room = 0) {
    this.#buffer = Buffer.allocUnsafe(room + size);
    this.at = room;
  }

  int8(value: number): void {
    this.#buffer[this.at++] = value;
  }
  int16(value: number): void {
    this.at = this.#buffer.writeInt16BE(value, this.at);
  }
  int32(value: number): void {
    this.at = this.#buffer.writeInt32BE(value, this.at);
  }
  int64(value: bigint): void {
    this.at = this.#buffer.writeBigInt64BE(value, this.at);
  }
  /** No tagged fields. */
  tags(): void {
    this.int8(0);
  }
  /** null, or text with its length plus one before it. */
  compact(text: string | null): void {
    this.uvarint(text === null ? 0 : Buffer.byteLength(text) + 1);
    if (text !== null) this.at += this.#buffer.write(text, this.at);
  }
  /** Not negative, below 2³¹. */
  uvarint(value: number): void {
    let left = value;
    for (; left >= 0x80; left >>>= 7) this.#buffer[this.at++] = (left & 0x7f) | 0x80;
    this.#buffer[this.at++] = left;
  }
  /** Zigzag; not negative, below 2³⁰. */
  varint(value: number): void {
    this.uvarint(value << 1);
  }
  varintBytes(bytes: Buffer | null): void {
    if (bytes === null) {
      this.#buffer[this.at++] = 1; // −1
      return;
    }
    this.varint(bytes.length);
    this.#buffer.set(bytes, this.at);
    this.at += bytes.length;
  }
  /** Room for so many more bytes, where nobody has measured them. */
  reserve(bytes: number): void {
    if (this.at + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.#buffer.length + bytes));
    this.#buffer.copy(larger, 0, 0, this.at);
    this.#buffer = larger;
  }
  /** With its length before it, and room made for both. ASCII goes unit by unit: a native call costs as much as fifty of them. */
  varintText(text: string): void {
    this.reserve(VARINT_BYTES_MAX + text.length * UTF8_BYTES_MAX);
    const start = this.at;
    this.varint(text.length);
    const buffer = this.#buffer;
    let end = this.at;
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      if (unit > 0x7f) {
        this.at = start;
        this.varint(Buffer.byteLength(text));
        this.at += buffer.write(text, this.at);
        return;
      }
      buffer[end++] = unit;
    }
    this.at = end;
  }
  copy(from: Out, start: number, end: number): void {
    this.at += from.#buffer.copy(this.#buffer, this.at, start, end);
  }
  /** What `of` makes of the bytes from `from` on, as the four bytes at `at`. */
  checksum(of: (bytes: Buffer) => number, at: number, from: number): void {
    this.#buffer.writeUInt32BE(of(this.#buffer.subarray(from, this.at)), at);
  }
  /** All of it, which is exactly what was measured. */
  done(): Buffer {
    if (this.at !== this.#buffer.length) throw new Error(`produce: ${this.at} bytes written, ${this.#buffer.length} measured`);
    return this.#buffer;
  }
}

export const VARINT_BYTES_MAX = 5;
/** Of a UTF-16 unit. */
const UTF8_BYTES_MAX = 3;

/** Bytes of an unsigned varint. */
export function uvarintBytes(value: number): number {
  let bytes = 1;
  for (let left = value >>> 7; left > 0; left >>>= 7) bytes++;
  return bytes;
}

/** Bytes of a zigzag varint of a number that is not negative, below 2³⁰. */
export const varintBytes = (value: number): number => uvarintBytes(value << 1);
export const compactBytes = (text: string | null): number => {
  const bytes = text === null ? -1 : Buffer.byteLength(text);
  return uvarintBytes(bytes + 1) + Math.max(0, bytes);
};
