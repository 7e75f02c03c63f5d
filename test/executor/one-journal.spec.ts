import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { NO_NAMESPACES } from '#testing';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, onTestFailed } from 'vitest';

import { recordWrite } from '../../examples/executor/actions.ts';
import { LOST, REFUSED } from '../support/exit-codes.ts';
import { SharedJournal, UP_OR_REFUSED } from '../support/executors.ts';
import { unique, until } from '../support/kafka.ts';
import { LANE, TENANT, World } from '../support/world.ts';

const ROUNDS = 3;
const ACTIONS_A_ROUND = 60;
/** Of what the executors said, when a test fails. */
const LAST_LINES = 30;

let world: World;
let trust: string;
const folders: string[] = [];
const journals: SharedJournal[] = [];

beforeAll(async () => {
  world = await World.open(inject('brokers'), 'one-journal');
  trust = (await world.get(`/v1/trust/${TENANT}`)).text;
});
afterEach(() => Promise.all(journals.splice(0).map((journal) => journal.close())));
afterAll(async () => {
  await world.close();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function journal(from: 'now' | 'start' = 'now'): SharedJournal {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-one-journal-'));
  folders.push(folder);
  const made = new SharedJournal({ home: world.home, brokers: world.brokers, tenant: TENANT, trust, folder, from });
  journals.push(made);
  onTestFailed(() => {
    process.stderr.write(`${made.lines.slice(-LAST_LINES).join('\n')}\n`);
  });
  return made;
}

/** What the ledger has of each action: `claim.granted` and the results, in order. */
async function told(ids: readonly string[]): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>(ids.map((id) => [id, []]));
  for (const { record, kind, statement } of await world.receipts(LANE))
    if (record.tenant === TENANT) found.get(statement.subject[0].name)?.push(kind);
  return found;
}

/** As much as a platform can send. */
async function propose(count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => unique('write'));
  await Promise.all(ids.map((id, at) => world.propose(recordWrite(TENANT, `+49 ${at}`), { id })));
  return ids;
}

/** An action that was claimed by an executor that then died: its grant is still to come, and the decider is stopped. */
async function claimedByTheDead(shared: SharedJournal): Promise<string> {
  const [id = ''] = await propose(1);
  await until('it is allowed', async () => (await told([id])).get(id)?.length);
  await world.stop('decider');
  const dead = shared.start();
  await dead.says(`CLAIMED ${id}`);
  await dead.kill();
  return id;
}

describe.skipIf(NO_NAMESPACES)(`two executors, each process 1 of its namespace, on one journal ${NO_NAMESPACES ?? ''}`, () => {
  it('run the effect of one grant once: the second is refused while the first lives', async () => {
    const shared = journal('start');
    const id = await claimedByTheDead(shared);
    const both = [shared.start(), shared.start()];
    const said = await Promise.all(both.map((each) => each.says(UP_OR_REFUSED)));
    await world.start('decider');
    const [winner, loser] = said[0] === 'up' ? both : both.toReversed();
    await winner?.says(`RECORDED ${id}`);
    expect(shared.timesOf([id])).toEqual([1]);
    expect(said.toSorted()).toEqual([expect.stringMatching(/^refused: JournalError: .* is in use by process 1 on host /), 'up']);
    expect(await loser?.end()).toBe(REFUSED);
  });

  it('run the effect of one grant once, on two hosts that know nothing of each other’s lock: the first stops before it', async () => {
    const shared = journal('start');
    const id = await claimedByTheDead(shared);
    const former = shared.start();
    await former.says('up');
    shared.asOnAnotherHost();
    const latter = shared.start();
    await latter.says('up');
    await world.start('decider');
    await latter.says(`RECORDED ${id}`);
    expect(await former.end()).toBe(LOST);
    expect(former.lines.at(-1)).toMatch(
      /^lost: JournalLost: journal lost: .* has another owner now: process 1 on host .*run one executor for each journal/,
    );
    expect(shared.timesOf([id])).toEqual([1]);
  });

  it('run each effect once through rolling updates at full rate, and none is left out', async () => {
    const shared = journal();
    let { executor } = await shared.startUntilUp();
    const ids: string[] = [];
    let refused = 0;
    for (let round = 0; round < ROUNDS; round++) {
      ids.push(...(await propose(ACTIONS_A_ROUND)));
      await until('the old one is at work', () => shared.timesOf(ids).some((times) => times > 0));
      const next = shared.start(); // it comes before the old one goes
      refused += (await next.says(UP_OR_REFUSED)) === 'up' ? 0 : 1;
      const closing = executor.kill('SIGTERM');
      const begun = await shared.startUntilUp();
      refused += begun.refused;
      await closing;
      expect(executor.lines.at(-1)).toBe('closed');
      executor = begun.executor;
    }
    await until('each has its result on the ledger', async () =>
      [...(await told(ids)).values()].every((kinds) => kinds.includes('outcome.recorded')),
    );
    expect(shared.timesOf(ids)).toEqual(ids.map(() => 1));
    expect(refused).toBeGreaterThanOrEqual(ROUNDS);
  });

  it('run no effect twice when one host takes over from another at full rate, without a lock between them', async () => {
    const shared = journal();
    let { executor } = await shared.startUntilUp();
    const ids: string[] = [];
    const interrupted = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      ids.push(...(await propose(ACTIONS_A_ROUND)));
      await until('the old one is at work', () => shared.timesOf(ids).filter((times) => times > 0).length > round * ACTIONS_A_ROUND);
      shared.asOnAnotherHost();
      const next = shared.start();
      await next.says('up');
      expect(await executor.end()).toBe(LOST);
      executor = next;
    }
    await until('each has its result on the ledger, or was interrupted', async () => {
      for (const line of shared.lines) if (line.startsWith('INTERRUPTED ')) interrupted.add(line.split(' ')[1] ?? '');
      return [...(await told(ids))].every(([id, kinds]) => kinds.includes('outcome.recorded') || interrupted.has(id));
    });
    const times = shared.timesOf(ids);
    expect(times.filter((each) => each > 1)).toEqual([]);
    const reported = await told(ids);
    expect(ids.filter((id, at) => reported.get(id)?.includes('outcome.recorded') && times[at] !== 1)).toEqual([]);
  });
});
