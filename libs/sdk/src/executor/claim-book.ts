import {
  evolveMemory,
  type Journal,
  JournalLost,
  type JournalRecord,
  type Memory,
  type Part,
  type PartState,
  type Remembered,
} from './journal.ts';
import { awaitAnswer, type Decision, type OpenClaim } from './open-claim.ts';

/** Permits that wait for their turn: beyond, they are passed over, or memory grows with what nobody works off. */
const OPEN_MAX = 1000;

/** Every claim that this executor has to do with: open ones, those that people are asked about, and all that its journal remembers. */
export class ClaimBook {
  readonly #journal: Journal;
  readonly #memory: Memory;
  /** By the leaf index of the decision. */
  readonly #open = new Map<string, OpenClaim>();
  /** Waiting for people, by the leaf index of the decision. */
  readonly #asked = new Map<string, Decision>();
  readonly #byClaim = new Map<string, OpenClaim>();
  /** How often the ledger has said what became of a claim. */
  readonly #heard = new Map<string, number>();
  /** Ended in this process, and the ledger has not said of each step what became of it: known until then, whatever is behind us. */
  readonly #unheard = new Set<string>();
  /** Once lost, for good: what comes after it would be written beside what its new owner does. */
  #lost: JournalLost | undefined;

  constructor(journal: Journal, memory: Memory) {
    this.#journal = journal;
    this.#memory = memory;
  }

  get open(): Iterable<OpenClaim> {
    return this.#open.values();
  }

  get isFull(): boolean {
    return this.#open.size >= OPEN_MAX;
  }

  openOf(decision: string): OpenClaim | undefined {
    return this.#open.get(decision);
  }

  openBy(claim: string): OpenClaim | undefined {
    return this.#byClaim.get(claim);
  }

  /** The journal's own memory of a claim; undefined for another executor's. */
  known(claim: string): Remembered | undefined {
    return this.#memory.claims.get(claim);
  }

  /** The journal's own memory of a decision that was claimed: of its latest claim. */
  knownOf(decision: string): Remembered | undefined {
    return this.#memory.decisions.get(decision);
  }

  partOf(claim: string, part: Part): PartState | undefined {
    return this.known(claim)?.parts.get(part);
  }

  /** Kept until people have answered; false when there is no room for it. */
  ask(decision: Decision): boolean {
    if (this.#asked.size >= OPEN_MAX) return false;
    this.#asked.set(decision.verdict.statement.predicate.index, decision);
    return true;
  }

  /** What people were asked about, once: they have answered. */
  answered(settles: string): Decision | undefined {
    const asked = this.#asked.get(settles);
    this.#asked.delete(settles);
    return asked;
  }

  add(open: OpenClaim): void {
    this.#open.set(open.decision, open);
  }

  /** What is still said of the claim that it had before, such as CLAIM_REPEATED, is no answer to this one. */
  name(open: OpenClaim, claim: string): void {
    if (open.claim !== undefined) {
      this.#byClaim.delete(open.claim);
      awaitAnswer(open);
    }
    open.claim = claim;
    this.#byClaim.set(claim, open);
  }

  async end(open: OpenClaim, why: string): Promise<void> {
    if (open.claim !== undefined) await this.write({ kind: 'ended', claim: open.claim, why });
    this.#open.delete(open.decision);
    this.#byClaim.delete(open.claim ?? '');
    if (open.claim === undefined) return;
    this.#unheard.add(open.claim);
    this.#forgetHeard(open.claim);
  }

  /** The ledger has recorded an outcome of this claim, or says that it is uncertain: once for each step, at least. */
  hear(claim: string): void {
    this.#heard.set(claim, (this.#heard.get(claim) ?? 0) + 1);
    this.#forgetHeard(claim);
  }

  #forgetHeard(claim: string): void {
    if (!this.#unheard.has(claim) || (this.#heard.get(claim) ?? 0) < (this.known(claim)?.parts.size ?? 0)) return;
    this.#unheard.delete(claim);
    this.#heard.delete(claim);
  }

  /** Resolves once it is on disk, and remembered. Rejects with JournalLost, from then on always, when another executor has the journal. */
  async write(record: JournalRecord): Promise<void> {
    if (this.#lost) throw this.#lost;
    try {
      await this.#journal.append(record);
    } catch (error) {
      if (error instanceof JournalLost) this.#lost = error;
      throw error;
    }
    evolveMemory(this.#memory, record);
  }

  /** `next` is the next offset to be read: everything before it that is not open is behind us. */
  async writePosition(next: bigint): Promise<void> {
    const { claims, decisions, position: written } = this.#memory;
    let position = next;
    for (const { offset } of [...this.#open.values(), ...this.#asked.values()]) if (offset < position) position = offset;
    if (written !== undefined && position <= written) return;
    await this.write({ kind: 'position', offset: String(position) });
    for (const { claim, decision, offset, ended } of claims.values()) {
      if (!ended || offset >= position || this.#unheard.has(claim)) continue;
      claims.delete(claim);
      decisions.delete(decision);
      this.#heard.delete(claim);
    }
  }
}
