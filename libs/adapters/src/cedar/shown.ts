import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { ClassRule } from '#domain';

/** Facts that say whether something was shown which the class does not require: leaving the evidence out makes them false. */
export function optionalEvidence({ facts, requires }: ClassRule): ReadonlySet<string> {
  const optional = Object.entries(facts).filter(([, fact]) => fact.from === 'evidence' && !requires.includes(fact.evidence));
  return new Set(optional.map(([name]) => name));
}

/**
 * Whether a policy looks at such a fact where its absence could loosen. Only a permit that needs nobody may, in its `when`, under && and ||:
 * there its absence denies. In a forbid or a negation it would lift what forbids; in a permit that needs approval it would lift the approval
 * beside another permit that needs none.
 */
export function restsOnAbsence(policy: PolicyJson, isUnattended: boolean, optional: ReadonlySet<string>): boolean {
  if (optional.size === 0) return false;
  return policy.conditions.some(({ kind, body }) => finds(body, policy.effect === 'permit' && isUnattended && kind === 'when', optional));
}

/** Over the JSON form of an expression. The context as a whole has every fact in it. */
function finds(expression: unknown, mayAsk: boolean, optional: ReadonlySet<string>): boolean {
  if (Array.isArray(expression)) return expression.some((item) => finds(item, false, optional));
  if (typeof expression !== 'object' || expression === null) return false;
  return Object.entries(expression).some(([operator, operand]: [string, unknown]) => {
    if (operator === '.' && isOfContext(operand)) return !mayAsk && optional.has(operand.attr);
    if (operator === 'has' && isOfContext(operand)) return false; // every fact is always there
    if (operator === 'Var') return operand === 'context';
    if (mayAsk && (operator === '&&' || operator === '||') && typeof operand === 'object' && operand !== null) {
      return Object.values(operand).some((side) => finds(side, true, optional));
    }
    return finds(operand, false, optional);
  });
}

interface OfContext {
  readonly attr: string;
}
function isOfContext(operand: unknown): operand is OfContext {
  if (typeof operand !== 'object' || operand === null || !('left' in operand) || !('attr' in operand)) return false;
  const { left, attr } = operand;
  return typeof attr === 'string' && typeof left === 'object' && left !== null && 'Var' in left && left.Var === 'context';
}
