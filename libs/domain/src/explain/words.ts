/** What an entry says, in sentences: for each kind, only of members that are in it. */
import type { Predicate } from '../ledger/entry.ts';
import { permitOf } from '../ledger/permit.ts';
import { ANY } from '../payloads/actors.ts';
import { listOf, memberOf, textOf, textsOf } from './members.ts';

type Sentences = readonly (string | undefined)[];
type Teller = (members: object) => Sentences;

export function sentencesOf(kind: string, members: object): string[] {
  const tell = TELLERS.get(kind);
  if (!tell) return [`An entry of kind ${kind}, which this version cannot tell.`];
  return tell(members).filter((sentence) => sentence !== undefined);
}

/** Kinds that `sentencesOf` can tell. */
export const toldKinds = (): string[] => [...TELLERS.keys()];

const TELLERS: ReadonlyMap<string, Teller> = new Map<string, Teller>([
  [
    'genesis',
    (p) => ['This log begins.', say`Its key is ${textOf(p, 'vkey')}.`, say`It continues ${textOf(memberOf(p, 'continues'), 'origin')}.`],
  ],
  ['tenant.registered', (p) => [say`Tenant ${textOf(p, 'registers')} was registered.`]],
  [
    'log.rotated',
    (p) => [say`The log of ${textOf(p, 'rotates')} ends here, and log ${textOf(p, 'logId')} goes on: its key is ${textOf(p, 'vkey')}.`],
  ],
  ['log.closed', (p) => [say`This log ends here: nothing that its key signs beyond it counts. ${textOf(p, 'successor')} goes on.`]],
  [
    'key.rotated',
    (p) => [
      say`The ${textOf(p, 'role')} key of the ledger is ${textOf(memberOf(p, 'key'), 'keyid')} from here on, in place of ${textOf(p, 'replaces')}; the ${textOf(p, 'signedBy')} key signed it.`,
    ],
  ],
  ['issuer.registered', (p) => [say`Issuer ${textOf(p, 'issuer')} was registered as ${textOf(p, 'type')}.`, mayName(p)]],
  ['issuer.revoked', (p) => [say`Issuer ${textOf(p, 'issuer')} was revoked: nothing that it signs is believed from here on.`]],
  ['key.added', (p) => [say`Issuer ${textOf(p, 'issuer')} may sign with one more key: ${textOf(memberOf(p, 'key'), 'keyid')}.`]],
  [
    'key.revoked',
    (p) => [say`Key ${textOf(p, 'revokes')} of issuer ${textOf(p, 'issuer')} was revoked: nothing that it signs is believed from here on.`],
  ],
  ['token.issued', (p) => [say`Token ${textOf(p, 'token')} was issued, valid until ${textOf(p, 'validUntil')}.`, mayName(p)]],
  ['token.revoked', (p) => [say`Token ${textOf(p, 'token')} was revoked.`]],
  ['bundle.activated', (p) => [say`Bundle ${textOf(p, 'bundleName')} is in force from here on: ${textOf(p, 'activated')}.`]],
  ['action.decided', decided],
  [
    'action.repeated',
    (p) => [say`${issuerOf(p)} sent the same proposal again: the decision at index ${textOf(p, 'first')} stands.`, firstLog(p)],
  ],
  ['approval.recorded', (p) => [say`${textOf(p, 'by')} answered the question at index ${textOf(p, 'decision')}: ${textOf(p, 'vote')}.`]],
  ['escalation.settled', settled],
  ['claim.granted', claimGranted],
  ['claim.refused', claimRefused],
  ['outcome.recorded', outcome],
  ['effect.uncertain', uncertain],
  ['effect.closed', (p) => [say`${textOf(p, 'by')} looked at it and closed it: no report is awaited any more.`]],
  ['rollback.granted', rollback],
  ['freeze.raised', freezeRaised],
  ['freeze.lifted', (p) => [say`${textOf(p, 'by')} lifted freeze ${textOf(p, 'lifts')}.`]],
  ['input.erased', erased],
  ['input.refused', refused],
  ['input.gap', gap],
  [
    'time.corrected',
    (p) => [
      say`The lane's time was ${textOf(p, 'laneTime')}, ahead of the clocks. It is set back to this entry's own.`,
      'What was signed before it is over.',
    ],
  ],
]);

/** `agent bot, for ana or ben`; of a list, joined. */
function mayName(p: object): string | undefined {
  const rules = listOf(p, 'actors').map((rule) => {
    const id = textOf(rule, 'id');
    const people = textsOf(rule, 'actingFor').map((person) => (person === ANY ? 'anybody' : person));
    const who = say`${textOf(rule, 'kind')} ${id === ANY ? 'of any id' : id}`;
    return people.length === 0 ? who : say`${who} for ${people.join(' or ')}`;
  });
  return say`It may propose for: ${some(rules.filter((rule) => rule !== undefined))}.`;
}

/** Where the cited entry is not in this log. */
const firstLog = (p: object): string | undefined => say`That index is of log ${textOf(p, 'firstLog')}, which was closed since.`;

function decided(p: object): Sentences {
  return [
    asked(p),
    textOf(memberOf(p, 'actor'), 'listedAs') === ANY
      ? 'Its credential may say any id of this kind, so nothing vouches for this one.'
      : undefined,
    (textOf(p, 'verdict') ?? '').startsWith('WOULD_') ? 'It was asked in shadow mode, so nothing was permitted.' : undefined,
    say`Detail: ${textOf(p, 'detail')}.`,
    say`Its id was used before, at index ${textOf(p, 'first')}.`,
    firstLog(p),
    say`Freeze ${textOf(p, 'freeze')} was in force.`,
    say`It would go over the cumulative limits ${some(textsOf(p, 'exceeded'))}.`,
    say`It counts towards the cumulative limits ${some(textsOf(p, 'counted'))}.`,
    ...restsOn(p),
    say`Incident ${textOf(p, 'incident')} was open about its target, as a registered desk signed.`,
    say`It waits for people until ${textOf(p, 'approvalDeadline')}; without an answer by then it ends without a yes.`,
    ...permitted(p),
    ...owed(memberOf(p, 'grants')),
  ];
}

/** What must still hold when it is approved, and when it is claimed. */
function restsOn(p: object): Sentences {
  const conditions = memberOf(p, 'conditions');
  const shown = listOf(conditions, 'evidence').map((each) => say`${textOf(each, 'type')} of ${textOf(each, 'issuer')}`);
  const windows = listOf(conditions, 'windows').map((names) => textsOf({ names }, 'names').join(' or '));
  return [
    say`It rests on evidence: ${some(shown.filter((each) => each !== undefined))}; that counts until ${textOf(conditions, 'until')}.`,
    say`It needs an open window: ${some(windows)}.`,
  ];
}

function permitted(p: object): Sentences {
  const permit = permitOf(p as Predicate);
  const [from, until] = [textOf(permit, 'notBefore'), textOf(permit, 'executeBy')];
  return [say`It may be claimed once, by ${some(textsOf(permit, 'executors'))}, not before ${from}, until ${until}.`, ...owed(permit)];
}

/** Of a permit, or of what people are asked to permit. */
const owed = (permit: unknown): Sentences => [
  say`Owed afterwards: ${some(textsOf(permit, 'obligations'))}.`,
  say`The way back that comes with it: ${textOf(permit, 'rollback')}.`,
  undone(permit),
];

/** As the contract of the called operation says. */
function undone(members: unknown): string | undefined {
  const revert = textOf(members, 'revert');
  return say`What undoes it: ${REVERTS.get(revert) ?? revert}.`;
}
const REVERTS: ReadonlyMap<unknown, string> = new Map([
  ['inverse', 'an inverse operation'],
  ['snapshot', 'a snapshot that the connector keeps'],
  ['none', 'nothing'],
]);

/** A proposal that was not read further leaves only its signer. */
function asked(p: object): string | undefined {
  const [actor, resource] = [memberOf(p, 'actor'), memberOf(p, 'resource')];
  const who = say`${textOf(actor, 'kind')} ${textOf(actor, 'id')}`;
  if (who === undefined) return say`${issuerOf(p)} signed it; nothing else of it is on the ledger.`;
  const what = words(
    say`${textOf(p, 'operation')}`,
    say`through connector ${textOf(p, 'connector')}`,
    say`on ${textOf(resource, 'type')} ${textOf(resource, 'id')}`,
  );
  return say`${who} asked for ${what}, class ${textOf(p, 'class')}; ${issuerOf(p)} signed it.`;
}

function settled(p: object): Sentences {
  const by = say`The escalation at index ${textOf(p, 'settles')} is settled: ${textOf(p, 'outcome')}.`;
  return [by, say`People had until ${textOf(p, 'deadline')}.`, say`Freeze ${textOf(p, 'freeze')} was in force.`, ...permitted(p)];
}

function claimGranted(p: object): Sentences {
  return [
    say`Executor ${textOf(p, 'executor')} claimed the decision at index ${textOf(p, 'decision')} with claim ${textOf(p, 'claim')}, and may act, once.`,
    say`What it may do: ${words(say`${textOf(p, 'operation')}`, say`through connector ${textOf(p, 'connector')}`)}.`,
    say`A result is due by ${textOf(p, 'resultBy')}.`,
  ];
}

function claimRefused(p: object): Sentences {
  return [
    say`Executor ${textOf(p, 'executor')} may not act with claim ${textOf(p, 'claim')} on the decision at index ${textOf(p, 'decision')}.`,
    say`See index ${textOf(p, 'first')}.`,
    firstLog(p),
    say`Freeze ${textOf(p, 'freeze')} was in force.`,
  ];
}

function outcome(p: object): Sentences {
  const evidence = listOf(p, 'evidence').map((shown) => say`${textOf(shown, 'type')} ${textOf(shown, 'digest')}`);
  return [
    say`Executor ${textOf(p, 'executor')} reported on claim ${textOf(p, 'claim')}: ${textOf(p, 'outcome')} ${textOf(p, 'status')}.`,
    memberOf(p, 'late') === true ? 'The report came late: until then nobody knew whether it had happened.' : undefined,
    say`State before: ${textOf(p, 'before')}.`,
    say`State after: ${textOf(p, 'after')}.`,
    undone(p),
    say`Evidence: ${some(evidence.filter((each) => each !== undefined))}.`,
    say`Detail: ${textOf(p, 'detail')}.`,
    say`Still owed: ${textOf(p, 'awaits')}, by ${textOf(p, 'until')}.`,
  ];
}

function uncertain(p: object): Sentences {
  if (textOf(p, 'cause') !== undefined) {
    return [
      say`Executor ${textOf(p, 'executor')} was revoked before it reported a ${textOf(p, 'awaited')} on claim ${textOf(p, 'claim')}: how it stands is not known, and no report of it will be believed.`,
    ];
  }
  return [
    say`Executor ${textOf(p, 'executor')} did not report a ${textOf(p, 'awaited')} on claim ${textOf(p, 'claim')} in time: how it stands is not known.`,
    say`It was due by ${textOf(p, 'deadline')}.`,
  ];
}

function rollback(p: object): Sentences {
  return [
    say`The health check failed, so executor ${textOf(p, 'executor')} may go back with ${textOf(p, 'operation')}, on claim ${textOf(p, 'claim')}.`,
    say`Its report is due by ${textOf(p, 'resultBy')}.`,
  ];
}

function freezeRaised(p: object): Sentences {
  const scope = memberOf(p, 'scope');
  const over = words(say`${textOf(scope, 'kind')}`, say`${textOf(scope, 'value')}`);
  const level = textOf(p, 'level') === 'stop' ? 'stop: not even an approved way back may be claimed' : say`${textOf(p, 'level')}`;
  return [
    say`${textOf(p, 'by')} raised ${textOf(p, 'freeze')} over ${over}.`,
    say`Level ${level}.`,
    say`It ends by itself at ${textOf(p, 'until')}.`,
  ];
}

function erased(p: object): Sentences {
  const entries = some(textsOf(p, 'erases'));
  return [say`What was sent was erased, at index ${entries}: the receipts still verify, and nobody can decide it again.`];
}

function refused(p: object): Sentences {
  return [
    issuerOf(p) === undefined ? 'A record was refused; nobody stands behind it.' : say`A record that ${issuerOf(p)} signed was refused.`,
    say`Detail: ${textOf(p, 'detail')}.`,
  ];
}

function gap(p: object): Sentences {
  return [say`Records ${textOf(p, 'from')} up to ${textOf(p, 'to')} of ${textOf(p, 'topic')} were declared lost.`];
}

/** With the token, where the gateway speaks for one. */
const issuerOf = (p: object): string | undefined => words(say`${textOf(p, 'issuer')}`, say`for ${textOf(p, 'token')}`);
const some = (list: readonly string[]): string | undefined => (list.length === 0 ? undefined : list.join(', '));
const words = (...parts: Sentences): string | undefined => some([parts.filter((part) => part !== undefined).join(' ')].filter(Boolean));

/** undefined when any part is: half a sentence would say something else. */
function say(texts: TemplateStringsArray, ...parts: Sentences): string | undefined {
  return parts.includes(undefined) ? undefined : String.raw({ raw: texts }, ...parts);
}
