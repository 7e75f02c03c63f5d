import type { PermitGuard } from './types.ts';

/** What guards look at of one parsed policy. */
export interface AnnotatedPolicy {
  readonly effect: 'permit' | 'forbid';
  /** A bare `@name` has no value. */
  readonly annotations: ReadonlyMap<string, string | null>;
}

/**
 * A permit says exactly one of @approval("rule") and @unattended("reason"); nothing else may be annotated anywhere, so a
 * misspelt guard is refused instead of ignored. `fault` says what is wrong.
 */
export function guardOf(policy: AnnotatedPolicy, rules: ReadonlySet<string>): { guard: PermitGuard | null } | { fault: string } {
  if (policy.effect === 'forbid') {
    return policy.annotations.size === 0 ? { guard: null } : { fault: 'a forbid has no annotations' };
  }
  const [first, ...more] = policy.annotations;
  if (!first || more.length > 0) return { fault: 'a permit has exactly one of @approval("rule") and @unattended("reason")' };
  const [name, value] = first;
  if (name !== 'approval' && name !== 'unattended') return { fault: `unknown annotation @${name}` };
  if (value === null || value.trim() === '') return { fault: `@${name} is empty` };
  if (name === 'unattended') return { guard: { unattended: value } };
  return rules.has(value) ? { guard: { approval: value } } : { fault: `@approval names no rule of the bundle: ${value}` };
}
