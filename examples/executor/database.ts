/** Tables that agents want changed, and who may: the executors' role alone. */
import { randomBytes } from 'node:crypto';

import { Client, Pool } from 'pg';

export const EXECUTOR_ROLE = 'countersign_executor';
export const AGENT_ROLE = 'countersign_agent';

/** A tenant's records and services, what has been applied, and which artifacts start at all. */
const TABLES = `
create schema if not exists crm;
create table if not exists crm.records (
  tenant text, type text, id text, fields jsonb not null, primary key (tenant, type, id));
create table if not exists crm.services (
  tenant text, service text, artifact text not null, primary key (tenant, service));
create table if not exists crm.broken_artifacts (artifact text primary key);
-- One row for each step of a claim, in the transaction of its effect: what was there before, so that it can be put back.
create table if not exists crm.applied (
  claim text, step text, previous jsonb, at timestamptz not null default now(), primary key (claim, step));

insert into crm.records values
  ('acme', 'customer', 'c-1029', '{"name": "Ana", "phone": "+49 30 5550111"}'),
  ('globex', 'customer', 'c-1029', '{"name": "Gus", "phone": "+1 555 0100"}') on conflict do nothing;
insert into crm.services values ('acme', 'checkout-sandbox', 'sha256:${'4e'.repeat(32)}') on conflict do nothing;`;

export interface Credentials {
  /** Held by the executors' process, and by nobody else. */
  readonly executorUrl: string;
  /** An agent may have an account too: it can do nothing with these tables. */
  readonly agentUrl: string;
}

/** Makes tables and roles, with passwords drawn anew. `adminUrl` may create roles and schemas. */
export async function prepareDatabase(adminUrl: string): Promise<Credentials> {
  const admin = new Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    await admin.query(TABLES);
    const executorUrl = await role(admin, adminUrl, EXECUTOR_ROLE);
    const agentUrl = await role(admin, adminUrl, AGENT_ROLE);
    // Nobody but the owner has anything on a new table: this is all that is given away.
    await admin.query(`grant usage on schema crm to ${EXECUTOR_ROLE}`);
    await admin.query(`grant select, insert, update on all tables in schema crm to ${EXECUTOR_ROLE}`);
    await admin.query(`alter role ${EXECUTOR_ROLE} set timezone to 'UTC'`); // hashes of rows hold times as the session writes them
    return { executorUrl, agentUrl };
  } finally {
    await admin.end();
  }
}

async function role(admin: Client, adminUrl: string, name: string): Promise<string> {
  const password = randomBytes(24).toString('hex');
  const { rowCount } = await admin.query('select from pg_roles where rolname = $1', [name]);
  await admin.query(`${rowCount === 0 ? 'create' : 'alter'} role ${name} login password '${password}'`);
  const url = new URL(adminUrl);
  url.username = name;
  url.password = password;
  return url.href;
}

/** Connections of the executors. An idle one that breaks is replaced: it had no effect under way. */
export function openPool(url: string): Pool {
  const pool = new Pool({ connectionString: url, max: 4 });
  pool.on('error', (error) => {
    process.stderr.write(`database: ${error.message}\n`);
  });
  return pool;
}
