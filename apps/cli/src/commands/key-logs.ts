import { type LedgerFacts, rotateLog, type TenantOnLedger, textOf } from '#adapters';
import { originOf } from '#domain';

import type { Context } from '../context.ts';
import { enter } from '../every-lane.ts';
import { knownTenant, laneOfTree } from '../tree.ts';

/** One log after the other, each confirmed before the next. Run again it goes on with those that still hang on the old seed. */
export async function rotateLogs(context: Context, { tenant, newSeed }: { tenant?: string; newSeed: boolean }): Promise<void> {
  const { home } = context;
  if (newSeed) context.note(`new ledger seed in ${home.drawLedgerSeed()}: the notary needs it too, before it meets the new logs`);
  const facts = await context.facts(tenant === undefined ? undefined : [laneOfTree(home, tenant)]);
  const closed: { tenant: string; origin: string; successor: string }[] = [];
  for (const log of logsOf(facts, tenant)) {
    if (tenant === undefined && home.isOfNewestSeed(log.origin, log.vkey)) continue; // done by an earlier run
    const before = log.origin;
    const [entered] = await enter(context, [rotateLog(home, log.tenant)]);
    if (!entered) throw new Error(`the log of ${log.tenant} was rotated without an entry`);
    const origin = originOf(home.config.name, textOf(entered.statement.predicate, 'logId'));
    closed.push({ tenant: log.tenant, origin: before, successor: origin });
    context.note(`${log.tenant}: ${before} is closed, ${origin} goes on`);
  }
  const text =
    closed.length === 0
      ? 'every log has a key of the newest ledger seed already'
      : `${closed.length} logs closed: hand out the new trust files (countersign trust --tenant ID); receipts of the old logs stay valid`;
  context.print(text, { closed });
}

/** The lanes' own last: they tell of all the others. */
function logsOf(facts: LedgerFacts, tenant: string | undefined): TenantOnLedger[] {
  if (tenant !== undefined) return [knownTenant(facts, tenant)];
  const all = [...facts.tenants.values()];
  return [...all.filter((each) => !each.tenant.startsWith('_')), ...all.filter((each) => each.tenant.startsWith('_'))];
}
