import { VOTE_FAULTS } from '../decide/approvals.ts';
import { NOT_JUDGED_DETAIL } from '../decide/controls.ts';
import { decide } from '../decide/decide.ts';
import { evolve } from '../decide/evolve.ts';
import { replayFacts } from '../decide/facts.ts';
import type { Range } from '../decide/limits.ts';
import { emptyLane, type LaneState, type LedgerBirth } from '../decide/state.ts';
import type { DecideContext, Input } from '../decide/types.ts';
import { equalBytes } from '../formats/bytes.ts';
import { parseCanonical } from '../formats/canonical-json.ts';
import { parseTime } from '../formats/time.ts';
import type { SealedEntry } from '../ledger/sealed-batch.ts';
import type { WireCodec } from '../ledger/record.ts';
import { text } from '../ledger/text.ts';
import { NESTING_MAX } from '../payloads/kinds.ts';
import { limitsOn } from '../policy/counts.ts';
import { NOT_JUDGED, type PolicyEngine } from '../policy/types.ts';
import type { Findings } from './report.ts';
import { Unreplayable } from './unreplayable.ts';

/** The exact input of one group of entries, as far as it is still to be had. */
export interface ReplayInput {
  /** The exact Kafka value; null for a tombstone; undefined when it was erased or has expired. */
  readonly value: Uint8Array | null | undefined;
  readonly inputKey: Uint8Array | undefined;
}

/** I7: decides everything again, into a lane of its own, and compares each entry byte for byte. */
export class Replay {
  readonly #state: LaneState;
  #diverged = false;
  readonly unreplayable = new Unreplayable();

  constructor(
    private readonly birth: LedgerBirth,
    lane: number,
    private readonly engine: PolicyEngine,
    private readonly wire: WireCodec,
    private readonly findings: Findings,
  ) {
    this.#state = emptyLane(birth, lane);
  }

  get state(): LaneState {
    return this.#state;
  }

  /** `group` is all parts made from one input record, or one tick. */
  group(group: readonly SealedEntry[], input: ReplayInput): void {
    const [first] = group;
    if (!first || this.#diverged) return;
    const { engine, origin, index } = first.statement.predicate;
    const { source } = first;
    const isGone = source.kind === 'record' && (input.value === undefined || input.inputKey === undefined);
    for (const entry of group) this.unreplayable.note(entry);
    try {
      if (isGone) this.unreplayable.gone(group);
      else if (!this.#isWithoutGrounds(group, first, input)) {
        if (engine === this.engine.name) {
          this.#again(group, first, input);
          return;
        }
        this.unreplayable.otherEngine(group);
      }
      this.#follow(group, input);
    } catch (error) {
      this.#diverge(`${origin} index ${index}: deciding again failed: ${String(error)}`);
    }
  }

  #isWithoutGrounds(group: readonly SealedEntry[], first: SealedEntry, input: ReplayInput): boolean {
    if (this.unreplayable.restOnGone(group, this.#restsOn(first, input))) return true;
    return this.unreplayable.restOnGoneIn(group, this.#limitsUnknown(first));
  }

  /** Where the decisions are that counted towards limits of this one by an input that is gone. */
  #limitsUnknown({ kind, record, statement: { predicate } }: SealedEntry): readonly Range[] {
    const { bundle, tenants } = this.#state;
    if (kind !== 'action.decided' || bundle?.tables.limits === undefined || predicate['class'] === undefined) return [];
    const nowMs = parseTime(predicate.decidedAt);
    const book = tenants.get(record.tenant)?.limits;
    return limitsOn(bundle.tables, text(predicate['class'])).flatMap(([limit]) => book?.unknownOf(limit, nowMs) ?? []);
  }

  /**
   * Leaf index of another entry whose input this one was decided by: a repetition by that of the first request, a vote by that of what was asked,
   * which says for whom the actor acts.
   */
  #restsOn({ kind, statement: { predicate } }: SealedEntry, { value }: ReplayInput): string | undefined {
    if (kind === 'action.repeated') return text(predicate['first']);
    if (kind === 'approval.recorded') return text(predicate['decision']);
    const isVote = kind === 'input.refused' && (VOTE_FAULTS as readonly unknown[]).includes(predicate['detail']);
    const envelope = isVote && value ? this.wire.decodeEnvelope(value) : undefined;
    const vote = envelope && (parseCanonical(envelope.payload, { maxDepth: NESTING_MAX }) as { readonly decision?: unknown });
    return typeof vote?.decision === 'string' ? vote.decision : undefined;
  }

  #again(group: readonly SealedEntry[], first: SealedEntry, { value, inputKey }: ReplayInput): void {
    const { decidedAt, origin, index } = first.statement.predicate;
    const { source } = first;
    // Each part's time is the later of the lane's clock and its tenant's last: the earliest of them gives all of them again.
    const nowMs = Math.min(...group.map(({ statement }) => parseTime(statement.predicate.decidedAt)));
    const again: Input =
      source.kind === 'tick'
        ? { kind: 'tick' }
        : {
            kind: 'record',
            topic: source.topic,
            offset: BigInt(source.offset),
            value: value ?? null,
            inputKey: inputKey ?? new Uint8Array(32),
          };
    const engine = first.statement.predicate['detail'] === NOT_JUDGED_DETAIL ? unjudging(this.engine) : this.engine;
    const context: DecideContext = { nowMs, engine, wire: this.wire, birth: this.birth };
    const decided = decide(this.#state, again, context);
    const isSame = decided.entries.length === group.length && decided.entries.every(({ bytes }, at) => isEntry(group[at], bytes));
    if (!isSame) {
      this.#diverge(`${origin} index ${index} (${decidedAt}): deciding again gives other bytes`);
      return;
    }
    for (const entry of decided.entries) evolve(this.#state, entry, decided.facts);
    this.findings.checked('I7', group.length);
  }

  /** The input is gone, by erasure or retention, or another engine judged it: the entry itself is all there is to go on. */
  #follow(group: readonly SealedEntry[], { value }: ReplayInput): void {
    for (const [part, { record, kind, statement, source }] of group.entries()) {
      const facts = replayFacts(kind, part === 0 ? (value ?? undefined) : undefined, this.wire, this.#state);
      evolve(this.#state, { tenant: record.tenant, kind, statement, bytes: record.entry, source }, facts);
    }
  }

  #diverge(note: string): void {
    this.#diverged = true; // everything after it builds on another state
    this.findings.violated('I7', note);
  }
}

const isEntry = (entry: SealedEntry | undefined, bytes: Uint8Array): boolean =>
  entry !== undefined && equalBytes(entry.record.entry, bytes);

/** As the engine was when the ledger refused a bundle because nobody had judged it yet. */
export const unjudging = (engine: PolicyEngine): PolicyEngine => ({
  name: engine.name,
  refusals: () => [NOT_JUDGED],
  guards: (bundle) => engine.guards(bundle),
  authorize: (bundle, request) => engine.authorize(bundle, request),
  parametersValid: (...asked) => engine.parametersValid(...asked),
});
