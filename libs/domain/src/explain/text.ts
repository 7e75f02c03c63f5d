/** An explanation for people: plain lines, each part with the receipt that proves it. */
import type { ToldPart, ToldReason } from './explain.ts';
import type { ListedEffect } from './effects.ts';
import type { ToldInput } from './inputs.ts';
import type { ToldContract, ToldPolicy, ToldRule } from './policies.ts';
import type { NextStep } from './reasons.ts';

export function formatPart(part: ToldPart): string {
  const { kind, verdict, says, reasons, policies, rules, contract, inputs, bundle, proofs, origin, index, at } = part;
  const isShadow = verdict?.startsWith('WOULD_') === true;
  const lines = [
    ...says,
    ...reasons.flatMap((reason) => formatReason(reason, isShadow)),
    ...policies.flatMap(formatPolicy),
    ...(inputs.length === 0 ? [] : [`What they looked at: ${inputs.map(formatInput).join('; ')}.`]),
    ...rules.map(formatRule),
    ...(contract ? [formatContract(contract)] : []),
    ...(bundle === null ? [] : [`Bundle in force: ${bundle}`]),
    `Proof: ${proofs.join(', ')}, ${origin} index ${index}`,
  ];
  return [`${at}  ${kind}${verdict === null ? '' : `  ${verdict}`}`, ...lines.map(indented)].join('\n');
}

export function formatEffects(effects: readonly ListedEffect[]): string {
  return effects.length === 0 ? 'No open effects: whatever was claimed is over.' : effects.map(formatEffect).join('\n');
}

function formatEffect({ tenant, action, claim, executor, since, awaits, due, uncertainSince, origin, provedAt }: ListedEffect): string {
  const lines = [
    `claim ${claim} by executor ${executor}, since ${since}`,
    uncertainSince === null ? `${awaits} due ${due}` : `UNCERTAIN since ${uncertainSince}: ${awaits} was due ${due}`,
    `Proof: ${origin} index ${provedAt}`,
  ];
  return [`${tenant}  ${action}`, ...lines.map(indented)].join('\n');
}

const NEXT: Readonly<Record<NextStep, string>> = {
  'act once': 'act once, within the permit, after claiming it',
  wait: 'wait for the answer: this is not a yes',
  stop: 'stop: asking again changes nothing',
  retry: 'retry: the same again, later',
  'ask again': 'ask again: anew, corrected or with people',
};

function formatReason({ code, means, next }: ToldReason, isShadow: boolean): string[] {
  if (means === null || next === null) return [`${code}: not a code that this version knows`];
  const step = isShadow ? 'nothing: it was only asked what would be decided' : NEXT[next];
  return [`${code}: ${means}.`, `Next: ${step}.`];
}

const WITHHELD = {
  'bundle-not-at-hand': 'its text is in the bundle',
  'not-in-bundle': 'the bundle has no such policy',
  'names-what-is-not-denied': 'its text is not told with a denial, as it names exceptions',
} as const;

function formatPolicy({ id, sha256, text, withheld }: ToldPolicy): string[] {
  const digest = sha256 === null ? '' : `, SHA-256 ${sha256}`;
  if (text === null) return [`Policy ${id}${digest}: ${withheld === null ? 'no text' : WITHHELD[withheld]}.`];
  return [`Policy ${id}${digest}:`, ...text.split('\n').map((line) => `  ${line}`)];
}

const formatInput = ({ name, from, which }: ToldInput): string => `${name}, from ${from}${which === null ? '' : ` ${which}`}`;

const formatRule = ({ id, group, min }: ToldRule): string =>
  `Approval rule ${id}${group === null || min === null ? '' : `: ${min} of ${group}`}.`;

const formatContract = ({ digest, connector, version }: ToldContract): string =>
  `Contract${connector === null ? '' : ` of ${connector}`}${version === null ? '' : `, version ${version}`}: ${digest}`;

const indented = (line: string): string => `    ${line}`;
