/** What one credential did, as the entries of its tenant's tree alone say: an issuer, a token of the gateway, or the gateway itself. */
import { listOf, memberOf, placeOf, textOf, textsOf, type ToldEntry } from './members.ts';
import { sentencesOf } from './words.ts';

/** One entry, as far as the report tells it. */
export interface ToldLine {
  /** Leaf index, decimal: its receipt proves it. */
  readonly index: string;
  readonly decidedAt: string;
  readonly kind: string;
  /** Verdict, outcome, status or code. */
  readonly said: string | null;
  readonly reasons: readonly string[];
}
export interface ToldAct extends ToldLine {
  readonly action: string;
  /** Of a proposal: the actor that it said, `agent bot`; null where it was not read so far. */
  readonly actor: string | null;
  readonly operation: string | null;
  /** Of the key that signed it; of a decision that it vouched for, of the key under its statement. */
  readonly keyid: string | null;
  /** What came of it, in the order of the ledger. */
  readonly then: ToldLine[];
}
export interface ToldCredential {
  readonly tenant: string;
  readonly credential: string;
  /** Of which key alone it tells; null: of all of them. */
  readonly keyid: string | null;
  /** Its registration, its keys, its revocation. */
  readonly life: readonly (ToldLine & { readonly words: readonly string[] })[];
  /** How often each was said of it, over the whole ledger: `proposed ALLOW`, `claim.granted`. */
  readonly counts: Readonly<Record<string, number>>;
  /** What it proposed, and what it claimed: the last ones. */
  readonly proposed: readonly ToldAct[];
  readonly claimed: readonly ToldAct[];
  /** Decisions that its statements counted for: the last ones. */
  readonly vouched: readonly ToldAct[];
  /** Records of it that the tenant's tree refused: the last ones. */
  readonly refused: readonly ToldLine[];
}

const LIFE = ['issuer.registered', 'issuer.revoked', 'key.added', 'key.revoked', 'token.issued', 'token.revoked'];
const CLAIMS = ['claim.granted', 'claim.refused'];

export interface CredentialQuestion {
  readonly tenant: string;
  /** Of an issuer or a token; `gateway`: all that the gateway signed. */
  readonly id: string;
  /** Tells only of what this key signed. */
  readonly keyid?: string | undefined;
  /** How many acts of each sort are kept. */
  readonly keep: number;
}

/** A fold over the entries of one tenant, in ledger order. Counts all, keeps the last acts of each sort. */
export class CredentialReport {
  readonly #life: ToldCredential['life'][number][] = [];
  readonly #counts = new Map<string, number>();
  readonly #proposed: Acts;
  readonly #claimed: Acts;
  readonly #vouched: Acts;
  readonly #refused: ToldLine[] = [];

  constructor(private readonly asked: CredentialQuestion) {
    this.#proposed = new Acts(asked.keep);
    this.#claimed = new Acts(asked.keep);
    this.#vouched = new Acts(asked.keep);
  }

  add(entry: ToldEntry & { readonly tenant: string }): void {
    const { tenant, id } = this.asked;
    if (entry.tenant !== tenant) return;
    const { kind, statement } = entry;
    const { predicate } = statement;
    const isOf = (member: string): boolean => textOf(predicate, member) === id;
    if (LIFE.includes(kind)) {
      if (isOf('issuer') || isOf('token')) this.#life.push({ ...lineOf(entry), words: sentencesOf(kind, predicate) });
    } else if (kind === 'key.rotated') {
      if (isOf('role')) this.#life.push({ ...lineOf(entry), words: sentencesOf(kind, predicate) });
    } else if (kind === 'action.decided') {
      if (this.#isSignedBy(predicate)) this.#take('proposed', this.#proposed, entry, placeOf(predicate, 'index'));
      this.#vouch(entry);
    } else if (kind === 'action.repeated' && !this.#proposed.of(namedBy(kind, predicate))) {
      // What another credential asked first, under the same issuer: the gateway's tokens have one.
      if (this.#isSignedBy(predicate)) this.#take('repeated', this.#proposed, entry, undefined);
    } else if (kind === 'input.refused') {
      if (isOf('issuer') && this.#isKey(predicate)) this.#refuse(entry);
    } else this.#after(entry, isOf('executor'));
  }

  /** undefined: the ledger knows no such credential of the tenant. */
  told(): ToldCredential | undefined {
    if (this.#life.length === 0 && this.#counts.size === 0) return undefined;
    const { tenant, id, keyid = null } = this.asked;
    return {
      ...{ tenant, credential: id, keyid, life: this.#life, counts: Object.fromEntries([...this.#counts].sort(byName)) },
      ...{ proposed: this.#proposed.list(), claimed: this.#claimed.list(), vouched: this.#vouched.list(), refused: this.#refused },
    };
  }

  #isSignedBy(predicate: object): boolean {
    const { id } = this.asked;
    return (textOf(predicate, 'issuer') === id || textOf(predicate, 'token') === id) && this.#isKey(predicate);
  }

  #isKey(members: unknown): boolean {
    return this.asked.keyid === undefined || textOf(members, 'keyid') === this.asked.keyid;
  }

  /** Under a decision that rests on its statement. */
  #vouch(entry: ToldEntry): void {
    const evidence = listOf(memberOf(entry.statement.predicate, 'conditions'), 'evidence');
    const own = evidence.find((shown) => textOf(shown, 'issuer') === this.asked.id && this.#isKey(shown));
    if (own !== undefined) this.#take('vouched', this.#vouched, entry, undefined, textOf(own, 'keyid'));
  }

  /** What names an earlier entry: of a proposal of this credential, or of a claim of it, or a claim itself. */
  #after(entry: ToldEntry, isExecutor: boolean): void {
    const { kind, statement } = entry;
    const named = namedBy(kind, statement.predicate);
    const proposal = this.#proposed.of(named);
    if (proposal) {
      proposal.then?.push(lineOf(entry));
      this.#count(`then ${kind}${kind === 'escalation.settled' ? ` ${lineOf(entry).said ?? ''}` : ''}`);
      // A permit that people gave is claimed by the index of its settlement.
      if (kind === 'escalation.settled') this.#proposed.alias(placeOf(statement.predicate, 'index'), named);
    }
    if (!isExecutor) return;
    if (CLAIMS.includes(kind)) {
      if (this.#isKey(statement.predicate)) this.#take(kind, this.#claimed, entry, kind === 'claim.granted' ? named : undefined);
      return;
    }
    const claim = this.#claimed.of(named);
    if (!claim && this.asked.keyid !== undefined) return; // of a claim that another key signed
    claim?.then?.push(lineOf(entry));
    this.#count(kind);
  }

  #take(what: string, acts: Acts, entry: ToldEntry, known: string | undefined, keyid = textOf(entry.statement.predicate, 'keyid')): void {
    const line = lineOf(entry);
    const { predicate, subject } = entry.statement;
    const actor = memberOf(predicate, 'actor');
    const [actorKind, id] = [textOf(actor, 'kind'), textOf(actor, 'id')];
    const said = actorKind === undefined || id === undefined ? null : `${actorKind} ${id}`;
    const about = { action: subject[0].name, actor: said, operation: textOf(predicate, 'operation') ?? null, keyid: keyid ?? null };
    acts.add({ ...line, ...about, then: [] }, known);
    this.#count([what, kindsWithVerdict.has(what) ? line.said : undefined, ...line.reasons].filter(Boolean).join(' '));
  }

  #refuse(entry: ToldEntry): void {
    this.#refused.push(lineOf(entry));
    if (this.#refused.length > this.asked.keep) this.#refused.shift();
    this.#count('refused');
  }

  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }
}

const kindsWithVerdict: ReadonlySet<string> = new Set(['proposed', 'vouched']);

/** The place that the entry is about. */
function namedBy(kind: string, predicate: object): string | undefined {
  if (kind === 'escalation.settled') return placeOf(predicate, 'settles');
  if (kind === 'action.repeated') return placeOf(predicate, 'first', textOf(predicate, 'firstLog') ?? textOf(predicate, 'origin'));
  return placeOf(predicate, 'decision');
}

/** Acts in ledger order, with all places by which later entries may name them; of the older ones only that they were. */
class Acts {
  readonly #acts: ToldAct[] = [];
  readonly #byPlace = new Map<string, { then: ToldLine[] | undefined }>();
  readonly #named: string[][] = [];

  constructor(private readonly keep: number) {}

  add(act: ToldAct, place: string | undefined): void {
    this.#acts.push(act);
    this.#named.push(place === undefined ? [] : [place]);
    if (place !== undefined) this.#byPlace.set(place, { then: act.then });
    if (this.#acts.length <= this.keep) return;
    this.#acts.shift();
    for (const name of this.#named.shift() ?? []) this.#byPlace.set(name, { then: undefined });
  }

  alias(place: string | undefined, of: string | undefined): void {
    const known = this.of(of);
    if (known && place !== undefined) this.#byPlace.set(place, known);
  }

  of(place: string | undefined): { readonly then: ToldLine[] | undefined } | undefined {
    return place === undefined ? undefined : this.#byPlace.get(place);
  }

  list(): readonly ToldAct[] {
    return this.#acts;
  }
}

function lineOf({ kind, statement: { predicate } }: ToldEntry): ToldLine {
  const said = ['verdict', 'outcome', 'code', 'cause'].map((name) => textOf(predicate, name)).find((text) => text !== undefined);
  const status = textOf(predicate, 'status');
  const detail = textOf(predicate, 'detail');
  return {
    ...{ index: predicate.index, decidedAt: predicate.decidedAt, kind },
    said: [said, status].filter((text) => text !== undefined).join(' ') || null,
    reasons: [...textsOf(predicate, 'reasons'), ...(detail === undefined || listOf(predicate, 'reasons').length > 0 ? [] : [detail])],
  };
}

const byName = ([a]: readonly [string, number], [b]: readonly [string, number]): number => (a < b ? -1 : 1);

/** For people: one line for each entry, what came of an act below it. */
export function formatCredential({ tenant, credential, keyid, life, counts, proposed, claimed, vouched, refused }: ToldCredential): string {
  const section = (title: string, lines: readonly string[]): string => [title, ...(lines.length === 0 ? ['  nothing'] : lines)].join('\n');
  const counted = Object.entries(counts).map(([what, times]) => `  ${String(times).padStart(8)}  ${what}`);
  return [
    `Credential ${credential} of ${tenant}${keyid === null ? '' : `, as far as key ${keyid} signed it`}`,
    section(
      'Its life',
      life.map((line) => `  ${textLine(line)}  ${line.words.join(' ')}`),
    ),
    section('How often', counted),
    section('The last that it proposed', proposed.flatMap(textAct)),
    ...(claimed.length === 0 ? [] : [section('The last that it claimed', claimed.flatMap(textAct))]),
    ...(vouched.length === 0 ? [] : [section('The last that its statements counted for', vouched.flatMap(textAct))]),
    ...(refused.length === 0
      ? []
      : [
          section(
            'The last of its records that were refused',
            refused.map((line) => `  ${textLine(line)}`),
          ),
        ]),
  ].join('\n\n');
}

function textAct({ then, action, actor, operation, keyid: _, ...line }: ToldAct): string[] {
  const about = [action, actor, operation].filter((text) => text !== null).join(', ');
  return [`  ${textLine(line)}  ${about}`, ...then.map((each) => `      ${textLine(each)}`)];
}

const textLine = ({ index, decidedAt, kind, said, reasons }: ToldLine): string =>
  [index.padStart(8), decidedAt, kind, said, ...reasons].filter((text) => text !== null).join('  ');
