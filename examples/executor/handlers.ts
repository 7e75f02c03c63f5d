/** How the two connectors of the example carry out what was allowed. Every statement names the tenant of the job, never one from a parameter. */
import type { Pool } from 'pg';

import { type Handlers, type Job, type QueryRows, rowsHash } from '#sdk';

import { once, snapshotOf } from './transaction.ts';

const RECORD = 'select * from crm.records where tenant = $1 and type = $2 and id = $3';
const SERVICE = 'select * from crm.services where tenant = $1 and service = $2';
const recordOf = ({ tenant, parameters }: Job): string[] => [tenant, text(parameters['recordType']), text(parameters['recordId'])];
const serviceOf = ({ tenant, parameters }: Job): string[] => [tenant, text(parameters['service'])];

export function crmWriter(pool: Pool): Handlers {
  const state = (job: Job): Promise<string> => rowsHash(queryOf(pool), RECORD, recordOf(job));
  return {
    crm: {
      'update-record': {
        idempotent: true, // by crm.applied
        before: state,
        after: state,
        run: (job) =>
          once(pool, job, 'run', async (client) => {
            const { rows } = await client.query<{ fields: object }>(`${RECORD} for update`, recordOf(job));
            if (!rows[0]) throw new Error('no such record');
            const set = 'update crm.records set fields = fields || $4 where tenant = $1 and type = $2 and id = $3';
            await client.query(set, [...recordOf(job), JSON.stringify(job.parameters['fields'])]);
            return rows[0].fields;
          }),
        rollback: (job) =>
          once(pool, job, 'rollback', async (client) => {
            const set = 'update crm.records set fields = $4 where tenant = $1 and type = $2 and id = $3';
            const previous = await snapshotOf(client, job);
            await client.query(set, [...recordOf(job), JSON.stringify(previous)]);
            return previous;
          }),
      },
    },
  };
}

export function deployer(pool: Pool): Handlers {
  const state = (job: Job): Promise<string> => rowsHash(queryOf(pool), SERVICE, serviceOf(job));
  const put = 'update crm.services set artifact = $3 where tenant = $1 and service = $2';
  return {
    deploy: {
      deploy: {
        idempotent: true,
        before: state,
        after: state,
        run: (job) =>
          once(pool, job, 'run', async (client) => {
            const { rows } = await client.query<{ artifact: string }>(`${SERVICE} for update`, serviceOf(job));
            if (!rows[0]) throw new Error('no such service');
            await client.query(put, [...serviceOf(job), text(job.parameters['artifactDigest'])]);
            return { artifact: rows[0].artifact };
          }),
        healthcheck: async (job) => {
          const broken = 'select from crm.services natural join crm.broken_artifacts where tenant = $1 and service = $2';
          return (await pool.query(broken, serviceOf(job))).rowCount === 0;
        },
        rollback: (job) =>
          once(pool, job, 'rollback', async (client) => {
            // What was approved as the way back, not what happened to run before.
            const { reference } = job.parameters['rollback'] as { readonly reference: string };
            await client.query(put, [...serviceOf(job), reference]);
            return { artifact: reference };
          }),
      },
    },
  };
}

const queryOf =
  (pool: Pool): QueryRows =>
  (text, values) =>
    pool.query<Record<string, unknown>>(text, [...values]);

/** The contract's schema has checked it; a row's key is nothing to guess at all the same. */
function text(parameter: unknown): string {
  if (typeof parameter !== 'string') throw new TypeError('expected a text');
  return parameter;
}
