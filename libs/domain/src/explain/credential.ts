/** What one credential did, as the entries of its tenant's tree alone say: an issuer, a token of the gateway, or the gateway itself. */
import { listOf, memberOf, textOf, textsOf, type ToldEntry } from './members.ts';
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
  /** What came of it, in the order of the ledger. */
  readonly then: ToldLine[];
}
export interface ToldCredential {
  readonly tenant: string;
  readonly credential: string;
  /** Its registration, its keys, its revocation. */
  readonly life: readonly (ToldLine & { readonly words: readonly string[] })[];
  /** How often each was said of it, over the whole ledger: `proposed ALLOW`, `claim.granted`. */
  readonly counts: Readonly<Record<string, number>>;
  /** What it proposed, and what it claimed: the last ones. */
  readonly proposed: readonly ToldAct[];
  readonly claimed: readonly ToldAct[];
  /** Records of it that the tenant's tree refused: the last ones. */
  readonly refused: readonly ToldLine[];
}

const LIFE = ['issuer.registered', 'issuer.revoked', 'key.added', 'key.revoked', 'token.issued', 'token.revoked'];
const CLAIMS = ['claim.granted', 'claim.refused'];

/** A fold over the entries of one tenant, in ledger order. Counts all, keeps the last `keep` acts of each sort. */
export class CredentialReport {
  readonly #life: ToldCredential['life'][number][] = [];
  readonly #counts = new Map<string, number>();
  readonly #proposed: Acts;
  readonly #claimed: Acts;
  readonly #refused: ToldLine[] = [];

  constructor(
    private readonly tenant: string,
    private readonly id: string,
    private readonly keep: number,
  ) {
    this.#proposed = new Acts(keep);
    this.#claimed = new Acts(keep);
  }

  add(entry: ToldEntry & { readonly tenant: string }): void {
    if (entry.tenant !== this.tenant) return;
    const { kind, statement } = entry;
    const { predicate } = statement;
    const isOf = (member: string): boolean => textOf(predicate, member) === this.id;
    if (LIFE.includes(kind)) {
      if (isOf('issuer') || isOf('token')) this.#life.push({ ...lineOf(entry), words: sentencesOf(kind, predicate) });
    } else if (kind === 'action.decided') {
      if (isOf('issuer') || isOf('token')) this.#take('proposed', this.#proposed, entry, predicate.index);
    } else if (kind === 'input.refused') {
      if (isOf('issuer')) this.#refuse(entry);
    } else this.#after(entry, isOf('executor'));
  }

  /** undefined: the ledger knows no such credential of the tenant. */
  told(): ToldCredential | undefined {
    if (this.#life.length === 0 && this.#counts.size === 0) return undefined;
    return {
      ...{ tenant: this.tenant, credential: this.id, life: this.#life, counts: Object.fromEntries([...this.#counts].sort(byName)) },
      ...{ proposed: this.#proposed.list(), claimed: this.#claimed.list(), refused: this.#refused },
    };
  }

  /** What names an earlier entry: of a proposal of this credential, or of a claim of it, or a claim itself. */
  #after(entry: ToldEntry, isExecutor: boolean): void {
    const { kind, statement } = entry;
    const named = textOf(
      statement.predicate,
      kind === 'escalation.settled' ? 'settles' : kind === 'action.repeated' ? 'first' : 'decision',
    );
    const proposal = this.#proposed.of(named);
    if (proposal) {
      proposal.then?.push(lineOf(entry));
      this.#count(`then ${kind}${kind === 'escalation.settled' ? ` ${lineOf(entry).said ?? ''}` : ''}`);
      // A permit that people gave is claimed by the index of its settlement.
      if (kind === 'escalation.settled') this.#proposed.alias(statement.predicate.index, named);
    }
    if (!isExecutor) return;
    if (CLAIMS.includes(kind)) this.#take(kind, this.#claimed, entry, kind === 'claim.granted' ? named : undefined);
    else {
      this.#claimed.of(named)?.then?.push(lineOf(entry));
      this.#count(kind);
    }
  }

  #take(what: string, acts: Acts, entry: ToldEntry, known: string | undefined): void {
    const line = lineOf(entry);
    const { predicate, subject } = entry.statement;
    const actor = memberOf(predicate, 'actor');
    const [actorKind, id] = [textOf(actor, 'kind'), textOf(actor, 'id')];
    const said = actorKind === undefined || id === undefined ? null : `${actorKind} ${id}`;
    acts.add({ ...line, action: subject[0].name, actor: said, operation: textOf(predicate, 'operation') ?? null, then: [] }, known);
    this.#count([what, what === 'proposed' ? line.said : undefined, ...line.reasons].filter(Boolean).join(' '));
  }

  #refuse(entry: ToldEntry): void {
    this.#refused.push(lineOf(entry));
    if (this.#refused.length > this.keep) this.#refused.shift();
    this.#count('refused');
  }

  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }
}

/** Acts in ledger order, with all indexes by which later entries may name them; of the older ones only that they were. */
class Acts {
  readonly #acts: ToldAct[] = [];
  readonly #byIndex = new Map<string, { then: ToldLine[] | undefined }>();
  readonly #named: string[][] = [];

  constructor(private readonly keep: number) {}

  add(act: ToldAct, index: string | undefined): void {
    this.#acts.push(act);
    this.#named.push(index === undefined ? [] : [index]);
    if (index !== undefined) this.#byIndex.set(index, { then: act.then });
    if (this.#acts.length <= this.keep) return;
    this.#acts.shift();
    for (const name of this.#named.shift() ?? []) this.#byIndex.set(name, { then: undefined });
  }

  alias(index: string, of: string | undefined): void {
    const known = this.of(of);
    if (known) this.#byIndex.set(index, known);
  }

  of(index: string | undefined): { readonly then: ToldLine[] | undefined } | undefined {
    return index === undefined ? undefined : this.#byIndex.get(index);
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
export function formatCredential({ tenant, credential, life, counts, proposed, claimed, refused }: ToldCredential): string {
  const section = (title: string, lines: readonly string[]): string => [title, ...(lines.length === 0 ? ['  nothing'] : lines)].join('\n');
  const counted = Object.entries(counts).map(([what, times]) => `  ${String(times).padStart(8)}  ${what}`);
  return [
    `Credential ${credential} of ${tenant}`,
    section(
      'Its life',
      life.map((line) => `  ${textLine(line)}  ${line.words.join(' ')}`),
    ),
    section('How often', counted),
    section('The last that it proposed', proposed.flatMap(textAct)),
    ...(claimed.length === 0 ? [] : [section('The last that it claimed', claimed.flatMap(textAct))]),
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

function textAct({ then, action, actor, operation, ...line }: ToldAct): string[] {
  const about = [action, actor, operation].filter((text) => text !== null).join(', ');
  return [`  ${textLine(line)}  ${about}`, ...then.map((each) => `      ${textLine(each)}`)];
}

const textLine = ({ index, decidedAt, kind, said, reasons }: ToldLine): string =>
  [index.padStart(8), decidedAt, kind, said, ...reasons].filter((text) => text !== null).join('  ');
