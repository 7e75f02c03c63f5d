import { checkCosignature } from './cosignature.ts';
import { type Note, NoteError } from './signed-note.ts';
import type { Trust } from './trust-file.ts';

/** `timeSeconds` is POSIX seconds, as the witness states it. */
export interface Quorum {
  met: boolean;
  cosigned: { witness: string; timeSeconds: bigint }[];
}

/**
 * Which witnesses cosigned the note's text, and whether that is enough. Cosignatures of unknown keys are ignored; a bad one
 * of a known key refuses the note (NoteError), as in every signed note.
 */
export function checkQuorum(trust: Trust, note: Note): Quorum {
  const seen = new Map<string, bigint>();
  for (const [witness, { verifier }] of trust.witnesses) {
    for (const signature of note.signatures) {
      if (signature.name !== verifier.name || signature.keyId !== verifier.keyId) continue;
      const timeSeconds = checkCosignature(note.text, signature, verifier);
      if (timeSeconds === undefined) throw new NoteError('BAD_SIGNATURE', `cosignature of ${verifier.name} does not verify`);
      seen.set(witness, timeSeconds);
    }
  }
  const cosigned = [...seen].map(([witness, timeSeconds]) => ({ witness, timeSeconds }));
  return { met: trust.quorum === 'none' || isMet(trust, trust.quorum, seen), cosigned };
}

/** Names refer to earlier lines only, so this ends. */
function isMet(trust: Trust, name: string, seen: ReadonlyMap<string, bigint>): boolean {
  const group = trust.groups.get(name);
  if (group === undefined) return seen.has(name);
  return group.members.filter((member) => isMet(trust, member, seen)).length >= group.threshold;
}
