/** Against a ledger that `npm start` runs: two executors on a real PostgreSQL, and an agent that asks for three things. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Client } from 'pg';

import { chooseDatabase, executorKey, Home, homeFolder, LaneReceipts } from '#adapters';
import { laneOf } from '#domain';
import { KafkaProposer, type Notice, openExecutor } from '#sdk';

import { BROKEN, recordWrite, sandboxDeploy } from './actions.ts';
import { openPool, prepareDatabase } from './database.ts';
import { crmWriter, deployer } from './handlers.ts';

const TENANT = 'acme';
/** Unit ms. Everything takes a second or two. */
const PATIENCE_MS = 60_000;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const home = Home.open(homeFolder());
const brokers = brokersOf(home);
const lane = laneOf(TENANT, home.config.lanes);
const receipts = await LaneReceipts.open(home, brokers, lane);
const database = await chooseDatabase({ env: process.env, dataDir: join(home.folder, 'postgres') });
say(database.line);
try {
  const good = await play();
  process.exitCode = good ? 0 : 1;
} finally {
  await Promise.allSettled([receipts.close(), database.stop()]);
}

async function play(): Promise<boolean> {
  const { executorUrl, agentUrl } = await prepareDatabase(database.url);
  const admin = new Client({ connectionString: database.url });
  await admin.connect();
  const pool = openPool(executorUrl);
  await admin.query('insert into crm.broken_artifacts values ($1) on conflict do nothing', [BROKEN]);
  say(`the agent's own connection: ${await attempt(agentUrl)}`);

  await receipts.catchUp();
  const trust = receipts.trustOf(TENANT);
  if (trust === undefined) throw new Error(`no tenant ${TENANT}: start the ledger with npm start`);
  const { lanes, name: ledger, topicPrefix, initialised } = home.config;
  const birth = initialised.sha256;
  const common = { brokers, birth, tenant: TENANT, trust, lanes, topicPrefix, onNotice: print };
  const executors = await Promise.all(
    Object.entries({ 'crm-writer': crmWriter(pool), deployer: deployer(pool) }).map(([issuer, handlers]) =>
      openExecutor({
        ...common,
        issuer,
        seed: home.key(executorKey(issuer, TENANT)),
        handlers,
        store: join(home.folder, 'executors', `${issuer}.jsonl`),
      }),
    ),
  );
  const issuer = `platform-${TENANT}`;
  const proposer = KafkaProposer.open({ brokers, ledger, birth, tenant: TENANT, lane, issuer, seed: home.key(issuer), topicPrefix });
  try {
    const run = randomUUID().slice(0, 8);
    const ciSeed = home.key(`ci-${TENANT}`);
    const actions = [
      [`write-${run}`, recordWrite(TENANT, `+49 30 555 ${run}`), 'outcome.recorded result succeeded'],
      [`foreign-${run}`, recordWrite('globex', `+49 30 555 ${run}`), 'action.decided DENY DENY_TENANT_SCOPE'],
      [
        `deploy-${run}`,
        sandboxDeploy({ tenant: TENANT, birth: home.bound().birth, ciSeed, nowMs: Date.now() }),
        'outcome.recorded rollback succeeded',
      ],
    ] as const;
    for (const [id, body] of actions) await proposer.propose(body, { id, askedAt: new Date() });
    let good = true;
    for (const [id, , wanted] of actions) good = (await untilTold(id, wanted)) && good;
    const { rows } = await admin.query<{ tenant: string; fields: unknown }>('select tenant, fields from crm.records order by tenant');
    for (const { tenant, fields } of rows) say(`${tenant} c-1029 ${JSON.stringify(fields)}`);
    return good;
  } finally {
    await Promise.allSettled([proposer.close(), ...executors.map((each) => each.close())]);
    await Promise.allSettled([pool.end(), admin.end()]);
  }
}

/** Follows the receipts until the action's last one says what is wanted, and prints each. */
async function untilTold(id: string, wanted: string): Promise<boolean> {
  const deadline = performance.now() + PATIENCE_MS;
  while (performance.now() < deadline) {
    const told = receipts.all.filter(({ statement }) => statement.subject[0].name === id);
    if (told.some((receipt) => lineOf(receipt).startsWith(wanted))) {
      for (const receipt of told) say(`${id} [${receipt.statement.predicate.index}] ${lineOf(receipt)}`);
      return true;
    }
    await receipts.poll(200);
  }
  say(`${id}: never came to ${wanted}`);
  return false;
}
function lineOf({ kind, statement: { predicate } }: (typeof receipts.all)[number]): string {
  const text = (member: string): string[] => (typeof predicate[member] === 'string' ? [predicate[member]] : []);
  const reasons = Array.isArray(predicate['reasons']) ? predicate['reasons'].map(String) : [];
  const hashes = (['before', 'after'] as const).flatMap((member) => text(member).map((hash) => `${member}=${hash.slice(0, 12)}`));
  return [kind, ...text('verdict'), ...reasons, ...text('outcome'), ...text('status'), ...hashes].join(' ');
}

async function attempt(url: string): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`update crm.records set fields = '{}'`);
    return 'NOT refused';
  } catch (error) {
    return `refused by the database (${error instanceof Error ? error.message : String(error)})`;
  } finally {
    await client.end();
  }
}

function print({ level, code, actionId, detail }: Notice): void {
  if (level !== 'info') say(`  executor: ${code} ${actionId} ${detail}`);
}

function brokersOf({ folder }: Home): string[] {
  const given = process.env['KAFKA_BROKERS'];
  if (given) return given.split(',');
  try {
    return (JSON.parse(readFileSync(join(folder, 'broker.json'), 'utf8')) as { brokers: string[] }).brokers;
  } catch {
    throw new Error(`no broker: run npm start in another terminal, or set KAFKA_BROKERS`);
  }
}
