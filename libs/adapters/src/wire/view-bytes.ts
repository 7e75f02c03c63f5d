import avro from 'avsc';

/** What avsc reads from: lib/utils.js of 5.7.9, Tap. */
interface Tap {
  readonly buf: Buffer;
  pos: number;
  readLong(): number;
}

/**
 * `bytes` read as a view of what was decoded. avsc copies them into pieces of 4 KiB, whose allocation costs more than all else that it does for
 * a record. The whole fetch answer stays in memory as long as one view of it does, so only for records that are soon done with.
 */
export class ViewBytes extends avro.types.BytesType {
  /** Called by the code that avsc generates for a record; strictCheck has seen that all of it is there. */
  _read(tap: Tap): Uint8Array {
    const length = tap.readLong();
    const start = tap.pos;
    tap.pos = start + length;
    return new Uint8Array(tap.buf.buffer, tap.buf.byteOffset + start, length);
  }
}
