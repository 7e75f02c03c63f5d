/** One vector: what it shows, the request's members, and the answer's. */
export const holds = (comment, request, output = {}) => ({ comment, request, answer: { ok: true, ...output } });
export const refused = (comment, request) => ({ comment, request, answer: { ok: false } });

/** A request that holds and all that must be refused once one thing in it is changed: comment → members. */
export const around = (comment, request, output, changes) => [
  holds(comment, request, output),
  ...Object.entries(changes).map(([change, members]) => refused(change, { ...request, ...members })),
];

export const b64 = (value) => Buffer.from(value).toString('base64');
export const hex = (value) => Buffer.from(value).toString('hex');
export const seed = (byte) => new Uint8Array(32).fill(byte);

/** The same bytes with one bit changed. */
export function flipped(value, at = 0, bit = 0) {
  const bytes = Buffer.from(value);
  bytes[at] ^= 1 << bit;
  return bytes;
}
