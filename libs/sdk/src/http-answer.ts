/** The gateway's answer about an action, as docs/http-api.md has it. It comes from outside: half of one is none. */
import { fromBase64, permit, type Permit } from '#domain';

import type { Decision } from './answer.ts';
import { Denied, Unavailable } from './errors.ts';

export interface Answered {
  readonly decision: Decision;
  /** How its escalation ended, in the form of a decision: the verdict is the outcome. */
  readonly settlement: Decision | undefined;
  /** Exact bytes that the gateway signed for this request; undefined when it repeats another, or asks what became of one. */
  readonly proposal: Uint8Array | undefined;
  /** The decision was made of an earlier request with the same id. */
  readonly isRepeat: boolean;
}

/** Throws Unavailable for what is no whole answer about `id`. */
export function parseAnswer(answer: Readonly<Record<string, unknown>>, id: string): Answered {
  const decision = decisionOf(answer, id);
  if (!decision || (answer['id'] !== id && decision.verdict !== 'REFUSED')) throw malformed(id);
  const { settlement: ended } = answer;
  const more = { proposal: bytesOf(answer['proposal']), isRepeat: answer['repeats'] !== undefined };
  if (ended === undefined) return { decision, settlement: undefined, ...more };
  const { outcome, ...rest } = membersOf(ended) ?? {};
  const settlement = decisionOf({ ...rest, verdict: outcome, reasons: [] }, id);
  if (!settlement || decision.verdict !== 'ESCALATE') throw malformed(id);
  return { decision, settlement, ...more };
}

/** 4xx: the same request will be refused again. The rest may pass. */
export function refusal(status: number, answer: Readonly<Record<string, unknown>>, id: string): Denied | Unavailable {
  const code = typeof answer['code'] === 'string' ? answer['code'] : `HTTP_${status}`;
  const detail = typeof answer['detail'] === 'string' ? answer['detail'] : 'refused by the gateway';
  return status >= 400 && status < 500 ? new Denied(code, detail) : new Unavailable(code, detail, id);
}

export function membersOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
}

/** Half of a permit is none, and what this version does not know of it is not handed on. */
export const readPermit = (value: unknown): Permit | undefined => permit.safeParse(value).data;

function decisionOf(members: Readonly<Record<string, unknown>>, id: string): Decision | undefined {
  const { verdict, reasons, index, receipt } = members;
  const isWhole = typeof verdict === 'string' && typeof index === 'string' && typeof receipt === 'string' && isTexts(reasons);
  if (!isWhole) return undefined;
  const permitted = readPermit(members['permit']);
  return { id, verdict, reasons, index, receipt, ...(permitted && { permit: permitted }) };
}

function bytesOf(value: unknown): Uint8Array | undefined {
  try {
    return typeof value === 'string' ? fromBase64(value) : undefined;
  } catch {
    return undefined;
  }
}

const malformed = (id: string): Unavailable => new Unavailable('ANSWER_MALFORMED', 'the answer is not about this proposal', id);
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every((item) => typeof item === 'string');
