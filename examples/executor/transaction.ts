import type { Pool, PoolClient } from 'pg';

import { EffectUnknown, type Job } from '#sdk';

/**
 * Applies one step of a claim once, whoever tries it again: the step's row and its effect are one transaction. `work` returns what was there
 * before. When the connection is lost in the commit nobody knows whether it took effect: that is said, not guessed.
 */
export async function once(
  pool: Pool,
  { claim }: Job,
  step: 'run' | 'rollback',
  work: (client: PoolClient) => Promise<object>,
): Promise<void> {
  const client = await pool.connect();
  let isCommitting = false;
  try {
    await client.query('begin');
    const taken = await client.query('insert into crm.applied (claim, step) values ($1, $2) on conflict do nothing', [claim, step]);
    if (taken.rowCount === 1) {
      const previous = await work(client);
      await client.query('update crm.applied set previous = $3 where claim = $1 and step = $2', [claim, step, JSON.stringify(previous)]);
    }
    isCommitting = true;
    await client.query('commit');
    client.release();
  } catch (error) {
    client.release(true); // closed, which ends its transaction
    if (isCommitting) throw new EffectUnknown('the connection was lost in the commit', { cause: error });
    throw error;
  }
}

/** What `run` of this claim found there. */
export async function snapshotOf<T extends object>(client: PoolClient, { claim }: Job): Promise<T> {
  const { rows } = await client.query<{ previous: T }>(`select previous from crm.applied where claim = $1 and step = 'run'`, [claim]);
  if (!rows[0]) throw new Error('this claim has changed nothing');
  return rows[0].previous;
}
