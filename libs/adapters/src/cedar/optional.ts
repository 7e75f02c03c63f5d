import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';

const QUESTIONS = new Set(['has', 'hasTag', 'getTag']);

/**
 * Whether a policy asks for an optional attribute where its absence would loosen: in a forbid, in an unless, under a negation or
 * a condition. `context has x` in a forbid goes false when x is left out. Allowed only in a permit's `when`, under && and ||.
 */
export function asksForAbsence(policy: PolicyJson): boolean {
  return policy.conditions.some(({ kind, body }) => finds(body, policy.effect === 'permit' && kind === 'when'));
}

/** Over the JSON form, whatever its shape: a record literal with a member named `has` is refused too, which costs nothing. */
function finds(expression: unknown, mayAsk: boolean): boolean {
  if (Array.isArray(expression)) return expression.some((item) => finds(item, false));
  if (typeof expression !== 'object' || expression === null) return false;
  return Object.entries(expression).some(([operator, operand]: [string, unknown]) => {
    if (QUESTIONS.has(operator) && !mayAsk) return true;
    if (mayAsk && (operator === '&&' || operator === '||') && typeof operand === 'object' && operand !== null) {
      return Object.values(operand).some((side) => finds(side, true));
    }
    return finds(operand, false);
  });
}
