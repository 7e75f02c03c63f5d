import type { CheckedEnvelope } from './envelope-check.ts';
import type { RecordInput } from './draft.ts';
import type { LaneState } from './state.ts';
import type { DecideContext, InputFacts } from './types.ts';
import type { parsePayload } from '../payloads/parse.ts';

/** Members of an entry. */
export type Fields = Readonly<Record<string, unknown>>;

/** One proposal on its way to a decision. */
export interface Step {
  readonly state: LaneState;
  readonly input: RecordInput;
  readonly context: DecideContext;
  readonly checked: CheckedEnvelope;
  readonly nowMs: number;
}
export type ParsedProposal = ReturnType<typeof parsePayload<'action.proposed'>>;

/** What its id makes of a proposal before policy is asked. */
export type Identified =
  | {
      readonly is: 'denied';
      readonly id: string | undefined;
      readonly reason: string;
      readonly detail: string;
      readonly more?: Fields;
      /** Set when the id counts from now on. */
      readonly facts?: InputFacts;
    }
  | { readonly is: 'repeated'; readonly id: string; readonly first: number; readonly more?: Fields }
  | { readonly is: 'new'; readonly id: string; readonly expiresAtMs: number; readonly more?: Fields; readonly facts: InputFacts };
