import { own } from './pointer.ts';
import { APPROVE_WITHIN_SECONDS, type PolicyTables } from './tables.ts';
import type { ApprovalRule } from './types.ts';

/** As decisions cite it; undefined when the bundle has none of this id. */
export function approvalRule({ approvalRules }: PolicyTables, id: string): (ApprovalRule & { expiresInSeconds: number }) | undefined {
  const rule = own(approvalRules, id);
  if (!rule) return undefined;
  const { group, min, expiresInSeconds = APPROVE_WITHIN_SECONDS } = rule;
  return { id, group, min, expiresInSeconds };
}
