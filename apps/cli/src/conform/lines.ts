/** Lines of a stream, each bounded, so that a line without an end costs no memory. */

/** A request with the largest note a reader takes (1 MiB) is 1.4 MB: ten times that leaves room for leaves and JSON texts. */
export const LINE_BYTES_MAX = 16 * 1024 * 1024;
/** What is kept of a longer line: enough to find its id. */
const HEAD_BYTES = 4096;

/** `cut`: the line was longer than LINE_BYTES_MAX, and `bytes` is only its beginning. */
export interface Line {
  bytes: Uint8Array;
  cut: boolean;
}

/** Without their newlines. What follows the last newline is a line too, unless it is empty. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  let open = new OpenLine();
  for await (const chunk of chunks) {
    let from = 0;
    for (let to = chunk.indexOf(NEWLINE); to >= 0; to = chunk.indexOf(NEWLINE, from)) {
      open.add(chunk.subarray(from, to));
      yield open.end();
      open = new OpenLine();
      from = to + 1;
    }
    open.add(chunk.subarray(from));
  }
  if (open.length > 0) yield open.end();
}

const NEWLINE = 0x0a;

class OpenLine {
  length = 0;
  #parts: Uint8Array[] = [];

  add(part: Uint8Array): void {
    const hadRoom = this.length <= LINE_BYTES_MAX;
    this.length += part.length;
    if (!hadRoom) return;
    this.#parts.push(part);
    // A copy: a view would keep all of its chunk.
    if (this.length > LINE_BYTES_MAX) this.#parts = [Uint8Array.from(Buffer.concat(this.#parts).subarray(0, HEAD_BYTES))];
  }

  end(): Line {
    return { bytes: Buffer.concat(this.#parts), cut: this.length > LINE_BYTES_MAX };
  }
}
