import { z } from 'zod';

import { atPointer, own } from './pointer.ts';
import type { Contract, Operation } from './tables.ts';
import type { Proposal } from './types.ts';

/** How to go back: an operation of the same contract and class, and what it is given. */
const rollbackPath = z.looseObject({ operation: z.string(), reference: z.string().min(1).max(512) });

/** The way back, if the parameters name one that exists: one that leads to what is being put in place is none. */
export function wayBack(proposal: Proposal, contract: Contract, operation: Operation): z.infer<typeof rollbackPath> | undefined {
  if (operation.rollbackPath === undefined) return undefined;
  const path = rollbackPath.safeParse(atPointer(proposal.parameters, operation.rollbackPath));
  if (!path.success || own(contract.operations, path.data.operation)?.class !== operation.class) return undefined;
  const leadsBack = operation.artifact === undefined || path.data.reference !== atPointer(proposal.parameters, operation.artifact);
  return leadsBack ? path.data : undefined;
}
