/** The policies that determined a decision, with their text out of the bundle that was in force. */
import { sha256Hex } from '#crypto';

import { utf8 } from '../formats/bytes.ts';
import { own } from '../policy/pointer.ts';
import type { Bundle } from '../policy/types.ts';
import { printable } from './members.ts';

export interface ToldPolicy {
  readonly id: string;
  /** SHA-256 of its whole text in the bundle; null when the bundle is not at hand. */
  readonly sha256: string | null;
  readonly text: string | null;
  /** Why there is no text. */
  readonly withheld: 'bundle-not-at-hand' | 'not-in-bundle' | 'names-what-is-not-denied' | null;
}
export interface ToldRule {
  readonly id: string;
  readonly group: string | null;
  readonly min: number | null;
}
export interface ToldContract {
  readonly digest: string;
  readonly connector: string | null;
  readonly version: string | null;
}

/** A denial is told by the forbids that matched, without their comments; a text with an exception in it says what to ask instead. */
export function tellPolicy(id: string, bundle: Bundle | undefined, isDenial: boolean): ToldPolicy {
  if (!bundle) return { id, sha256: null, text: null, withheld: 'bundle-not-at-hand' };
  const text = own(bundle.tables.cedar.policies, id);
  if (text === undefined) return { id, sha256: null, text: null, withheld: 'not-in-bundle' };
  const sha256 = sha256Hex(utf8(text));
  if (!isDenial) return { id, sha256, text: printable(text.trim()), withheld: null };
  if (!isPlainForbid(text)) return { id, sha256, text: null, withheld: 'names-what-is-not-denied' };
  return { id, sha256, text: printable(withoutComments(text)), withheld: null };
}

export function tellRule(id: string, bundle: Bundle | undefined): ToldRule {
  const rule = bundle && own(bundle.tables.approvalRules, id);
  return { id, group: rule?.group ?? null, min: rule?.min ?? null };
}

/** By digest, so that the name is that of exactly this contract. */
export function tellContract(digest: string, bundle: Bundle | undefined): ToldContract {
  for (const [connector, known] of bundle?.contractDigests ?? []) {
    if (known === digest) return { digest, connector, version: bundle?.tables.contracts[connector]?.version ?? null };
  }
  return { digest, connector: null, version: null };
}

/** Cedar's strings and its only form of comment. */
const STRING_OR_COMMENT = /"(?:[^"\\]|\\.)*"|\/\/[^\n]*/gs;
const ANNOTATED_FORBID = /^\s*(?:@\w+\s*(?:\(\s*""\s*\)\s*)?)*forbid\b/;

function isPlainForbid(text: string): boolean {
  const code = text.replace(STRING_OR_COMMENT, (found) => (found.startsWith('"') ? '""' : ''));
  return ANNOTATED_FORBID.test(code) && !/\b(?:unless|else)\b/.test(code);
}

function withoutComments(text: string): string {
  const code = text.replace(STRING_OR_COMMENT, (found) => (found.startsWith('"') ? found : ''));
  return code
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .join('\n');
}
