/** Which facts the policies looked at, and where each was taken from. Their values are in the sealed input, never in an entry. */
import { own } from '../policy/pointer.ts';
import type { Bundle } from '../policy/types.ts';
import { printable } from './members.ts';
import type { ToldPolicy } from './policies.ts';

export interface ToldInput {
  /** Of Cedar's context. */
  readonly name: string;
  /** table, contract, evidence, …: as the class of the bundle says. */
  readonly from: string;
  /** Which attribute, pointer or evidence; null when `from` says it all. */
  readonly which: string | null;
}

/** Facts named by the texts that are told, sorted; none where no text is. */
export function tellInputs(policies: readonly ToldPolicy[], className: string, bundle: Bundle | undefined): ToldInput[] {
  const rule = bundle && own(bundle.tables.classes, className);
  if (!rule) return [];
  const names = new Set(policies.flatMap(({ text }) => [...(text ?? '').matchAll(FACT)].map(([, name = '']) => name)));
  return [...names].sort().flatMap((name) => {
    const fact = own(rule.facts, name);
    return fact ? [{ name, from: fact.from, which: whichOf(fact) }] : [];
  });
}

const FACT = /\bcontext\s*\.\s*([A-Za-z_][A-Za-z0-9_]*)/g;

/** A fact's other members differ with where it comes from. */
function whichOf(fact: object): string | null {
  const { attribute, pointer, evidence } = fact as Readonly<Record<string, unknown>>;
  const which = attribute ?? pointer ?? evidence;
  return typeof which === 'string' ? printable(which) : null;
}
