import { AfterVerdict } from './after-verdict.ts';
import { SimulatedControls } from './controls.ts';
import { BUILDS, Proposals } from './proposals.ts';
import type { Choices } from './random.ts';
import { type SimulatedInput, SignedInputs } from './signed-inputs.ts';
import type { AttestedEntry, SimulatedView } from './view.ts';

export const FIRST_TENANT = 'acme';
const SECOND_TENANT = 'globex';
const TOPICS = ['actions', 'outcomes', 'controls'] as const;

/** undefined where there is nothing yet to say it about. */
type Draw = (choices: Choices, view: SimulatedView, tenant: string) => SimulatedInput | undefined;

/** Anything that anyone may publish. */
export class SimulatedInputs {
  readonly #signed = new SignedInputs();
  readonly parties = this.#signed.parties;
  readonly #proposals = new Proposals(this.#signed);
  readonly #after = new AfterVerdict(this.#signed);
  readonly #controls = new SimulatedControls(this.#signed);
  /** How often of all, and what. */
  readonly #draws = (
    [
      [12, (choices, _, tenant) => this.#proposals.draw(tenant, choices)],
      [8, (choices, view) => this.#after.drawClaim(choices, view)],
      [10, (choices, view) => this.#after.drawReport(choices, view)],
      [9, (choices, view) => this.#after.drawVote(choices, view)],
      [7, (choices) => this.#controls.freeze(choices)],
      [3, (choices) => this.#controls.lift(choices)],
      [2, (choices, _, tenant) => this.#controls.erasure(tenant, choices)],
      [1, (choices, view) => choices.pick(view.published())],
      [5, (choices) => this.#controls.bundle(choices.pick([1, 1, 0]))],
      [1, (_choices, _, tenant) => this.#controls.issuer(tenant, 'platform', 'platform')],
      [1, (_choices, _, tenant) => this.#controls.issuer(tenant, 'other', 'executor')],
      [3, (_choices, _, tenant) => this.#controls.revocation(tenant, 'platform')],
      [1, (_choices, _, tenant) => this.#controls.revocation(tenant, 'runner')],
      [3, (_choices, _, tenant) => this.#controls.revocation(tenant, BUILDS)],
      [1, (_choices, _, tenant) => this.#controls.token(tenant)],
      [2, (_choices, _, tenant) => this.#controls.tokenRevocation(tenant)],
      [1, (_choices, _, tenant) => this.#controls.tenant(tenant)],
      [2, (choices) => this.#controls.keyRotation(choices)],
      [2, (choices) => this.#controls.logRotation(choices)],
      [1, (choices) => ({ topic: choices.pick(TOPICS), value: Buffer.from('garbage') })],
      [1, (choices) => ({ topic: choices.pick(TOPICS), value: null })],
      [1, (choices, _, tenant) => ({ ...this.#proposals.draw(tenant, choices), topic: 'outcomes' })],
      [1, (choices) => this.#proposals.draw('nobody', choices)],
    ] as [number, Draw][]
  ).flatMap(([often, draw]) => Array.from({ length: often }, () => draw));

  /** What a lane begins with: a bundle, and tenants of whom somebody proposes and somebody acts. */
  births(tenants: readonly string[] = [FIRST_TENANT, SECOND_TENANT]): SimulatedInput[] {
    const registered = tenants.flatMap((tenant) => [
      this.#controls.tenant(tenant),
      this.#controls.issuer(tenant, 'platform', 'platform'),
      this.#controls.issuer(tenant, 'runner', 'executor'),
      this.#controls.issuer(tenant, BUILDS, 'ci'),
    ]);
    const tokens = tenants.map((tenant) => this.#controls.token(tenant));
    return [this.#signed.initialised, ...registered, this.#controls.bundle(0), ...tokens];
  }

  /** What its parties say one after the other, each once the one before is decided and attested: `liveBeginnings` has it told. */
  beginnings(tenant: string): ((decided: readonly AttestedEntry[]) => SimulatedInput[])[] {
    const of = (decided: readonly AttestedEntry[], verdict: string): AttestedEntry => {
      const found = decided.find(({ predicate }) => predicate.verdict === verdict);
      if (!found) throw new Error(`nothing was decided as ${verdict}`);
      return found;
    };
    const effect = (decided: readonly AttestedEntry[]) => ({ tenant, decision: of(decided, 'ALLOW').predicate.index });
    return [
      () => this.births([tenant]),
      () => [...this.#proposals.first(tenant), this.#controls.issuer(tenant, 'other', 'executor')],
      (decided) => [
        ...[this.#after.claim(of(decided, 'ALLOW')), this.#after.report(effect(decided))],
        this.#after.vote(of(decided, 'ESCALATE')),
      ],
      (decided) => [this.#after.report(effect(decided), { kind: 'healthcheck', status: 'failed' })],
    ];
  }

  /** What an operator sends for a lane whose time lies ahead. */
  correction(laneTimeMs: number, nowMs: number): SimulatedInput {
    return this.#controls.correction(laneTimeMs, nowMs);
  }

  draw(choices: Choices, view: SimulatedView): SimulatedInput {
    const tenant = choices.chance(0.8) ? FIRST_TENANT : SECOND_TENANT;
    return choices.pick(this.#draws)(choices, view, tenant) ?? this.#proposals.draw(tenant, choices);
  }
}
