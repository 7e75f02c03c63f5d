/** A member that its kind requires to be text. Anything else is a broken invariant: payloads and entries were checked before. */
export function text(member: unknown): string {
  if (typeof member !== 'string') throw new TypeError(`expected text, came ${typeof member}`);
  return member;
}
