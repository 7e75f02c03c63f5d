import { LedgerFollower } from '#adapters';

import type { Context } from '../context.ts';
import { onOneLine } from '../terminal.ts';
import { FreezeList, lanesInForce, type ListedFreeze, scopeText } from '../freezes.ts';

/** `countersign freeze list`; `all` shows what has ended, too. */
export async function list(context: Context, all: boolean): Promise<void> {
  const found = new FreezeList();
  const follower = await LedgerFollower.open(context.home, context.brokers);
  try {
    await follower.catchUp((entry) => {
      found.add(entry);
    }, context.progress('reading the ledger'));
  } finally {
    await follower.close();
  }
  const nowMs = Date.now();
  const { lanes } = context.home.config;
  const shown = found.all
    .map((freeze) => ({ ...freeze, inForceOn: lanesInForce(freeze, nowMs) }))
    .filter(({ inForceOn }) => all || inForceOn.length > 0);
  context.print(shown.map((freeze) => textOf(freeze, lanes)).join('\n') || 'no freeze is in force', shown);
}

function textOf(freeze: ListedFreeze & { readonly inForceOn: readonly number[] }, lanes: number): string {
  const { inForceOn, until, liftedBy } = freeze;
  const isOver = until !== undefined && Date.now() >= Date.parse(until);
  const ended = isOver ? `over since ${until}` : `lifted by ${liftedBy ?? ''}`;
  const where = inForceOn.length === lanes ? 'in force' : `in force on lane ${inForceOn.join(', ')} of ${lanes}`;
  const state = inForceOn.length === 0 ? ended : `${where}${until === undefined ? '' : ` until ${until}`}`;
  return `${freeze.freeze}  ${freeze.level} of ${scopeText(freeze.scope)}  ${state}\n    raised ${freeze.raisedAt} by ${freeze.by}: ${onOneLine(freeze.why)}`;
}
