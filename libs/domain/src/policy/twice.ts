/** Runs it again when it throws: an engine that threw is fresh the second time. A second throw is an answer, never an exception. */
export function twice<T>(run: () => T): { readonly ok: true; readonly value: T } | { readonly ok: false } {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      return { ok: true, value: run() };
    } catch {
      // The engine is out of order, not the proposal.
    }
  }
  return { ok: false };
}
