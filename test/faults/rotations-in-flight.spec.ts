/** Each kind of key of docs/keys.md gets its second life while questions are open, permits unclaimed and claims unreported, under load. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { executorKey, publicKeyOf } from '#adapters';
import { base64 } from '#domain';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';

import { sandboxDeploy } from '../../examples/executor/actions.ts';
import { countersign } from '../cli/run.ts';
import { FaultWorld, TENANTS } from './fault-world.ts';
import { InFlight, type Proposing, said, type Work, WRITER } from './in-flight.ts';
import { Trial } from './trial.ts';

/** Unit ms. Each command reads the ledger from genesis, in a process of its own. */
const TIMEOUT_MS = 400_000;
const [TENANT] = TENANTS;
const world = new FaultWorld('in-flight', inject('brokers'));
let work: InFlight;

beforeAll(async () => {
  await world.open('decider', 'notary', 'gateway');
  work = await InFlight.open(world.home, world.brokers, TENANT);
});
afterAll(async () => {
  await work.close();
  await world.close();
});

async function run(...words: readonly string[]): Promise<Record<string, unknown>> {
  const ended = await attempt(...words);
  expect(ended, words.join(' ')).toMatchObject({ code: 0 });
  return JSON.parse(ended.stdout) as Record<string, unknown>;
}
const attempt = (...words: readonly string[]): ReturnType<typeof countersign> =>
  countersign([...words, '--data', world.home.folder, '--brokers', world.brokers.join(','), '--json'], world.home.folder);

/** Over HTTP: the gateway signs it, for the token. */
const byGateway =
  (bearer = world.home.token(TENANT) ?? ''): Proposing =>
  async (body) => {
    const answer = await fetch(`http://127.0.0.1:${await world.gatewayPort()}/v1/actions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const { digest = '' } = (await answer.json()) as { digest?: string };
    expect(answer.status).toBe(202);
    return work.decisionOf(digest);
  };

/** Nothing of it is lost: people answer, what was permitted is claimed, and what was claimed is reported. */
async function expectGoesOn(begun: Work): Promise<void> {
  const [{ name }] = begun.question.statement.subject;
  await run('vote', '--tenant', TENANT, '--action', name, '--by', 'ana');
  expect(said(await work.settlementOf(begun))).toBe('escalation.settled ALLOW_APPROVED');
  expect(await work.claim(begun.permit)).toBe('claim.granted');
  expect(await work.report(begun)).toBe('outcome.recorded');
}

/** What the credential asked for ends where nobody acts on it yet; what was claimed stands. */
async function expectEnds(begun: Work): Promise<void> {
  expect(said(await work.settlementOf(begun))).toBe('escalation.settled CANCELLED_REVOKED');
  expect(await work.claim(begun.permit)).toBe('claim.refused CLAIM_REVOKED');
  expect(await work.report(begun)).toBe('outcome.recorded');
}

const keyidOf = (name: string): string => publicKeyOf(world.home.key(name)).keyid;

it(
  'a key of any kind that is rotated or revoked under load ends what it must of the open work, and nothing else',
  async () => {
    const trial = new Trial('owners', 'key rotations under load, with questions, permits and claims open');
    const load = world.load(2, world.kafka);
    const rotated = (what: string): unknown => trial.tried().saw(`${what}: the open work went on, or ended as docs/keys.md says`);

    // The ledger's own keys. What was asked under the old one goes on.
    const recovery = join(world.home.folder, 'recovery.key');
    writeFileSync(recovery, `${base64(world.recoverySeed)}\n`, { mode: 0o600 });
    for (const role of ['gateway', 'decider', 'admin'] as const) {
      const begun = await work.begin(role === 'gateway' ? byGateway() : work.proposing());
      await run('key', 'rotate', role);
      await expectGoesOn(begun);
      rotated(`${role} key`);
    }
    let begun = await work.begin(work.proposing());
    const { offer } = (await run('key', 'offer', 'recovery')) as { offer: string };
    await run('key', 'rotate', 'recovery', '--recovery', recovery, '--offer', offer);
    // The old one says nothing any more; the new one takes the admin's word back.
    expect((await attempt('key', 'rotate', 'admin', '--recovery', recovery)).code).not.toBe(0);
    await run('key', 'rotate', 'admin', '--recovery', join(world.home.folder, 'keys', 'recovery.next.key'));
    await expectGoesOn(begun);
    rotated('recovery key');

    // A token. Another one of the tenant goes on.
    const { token, bearer } = (await run('token', 'issue', '--tenant', TENANT, '--actor', 'agent:agent-7')) as Record<string, string>;
    begun = await work.begin(byGateway(bearer));
    const other = await work.begin(byGateway());
    await run('token', 'revoke', token ?? '', '--tenant', TENANT);
    await expectEnds(begun);
    await expectGoesOn(other);
    rotated('token');

    // An executor's key: its other key claims what was permitted, and reports of what was claimed.
    begun = await work.begin(work.proposing());
    await run('issuer', 'key', 'add', WRITER, '--tenant', TENANT);
    await run('issuer', 'key', 'revoke', WRITER, '--tenant', TENANT, '--keyid', keyidOf(executorKey(WRITER, TENANT)));
    expect(await work.claim(begun.permit)).toBe('input.refused REFUSED_ISSUER');
    work.writerKey = `${WRITER}.next`;
    expect(await work.claim(begun.permit)).toBe('claim.granted');
    expect(await work.report(begun)).toBe('outcome.recorded');
    rotated('executor key');

    // A CI's key: what rests on its statements is not claimed any more.
    const ci = `ci-${TENANT}`;
    const { birth } = world.home.bound();
    const deploy = await work.proposing()(sandboxDeploy({ tenant: TENANT, birth, ciSeed: world.home.key(ci), nowMs: Date.now() }));
    expect(deploy.statement.predicate.verdict).toBe('ALLOW');
    await run('issuer', 'key', 'add', ci, '--tenant', TENANT);
    await run('issuer', 'key', 'revoke', ci, '--tenant', TENANT, '--keyid', keyidOf(ci));
    expect(await work.claim(deploy, { executor: 'deployer' })).toBe('claim.refused CLAIM_EVIDENCE');
    const again = await work.proposing()(sandboxDeploy({ tenant: TENANT, birth, ciSeed: world.home.key(`${ci}.next`), nowMs: Date.now() }));
    expect(await work.claim(again, { executor: 'deployer' })).toBe('claim.granted');
    rotated('CI key');
    await load.more(12);
    await load.stop();

    // A log is not closed while work of it is open.
    begun = await work.begin(work.proposing());
    expect(await attempt('key', 'rotate-logs', '--tenant', 'globex')).toMatchObject({ code: 0 });
    const refused = await attempt('key', 'rotate-logs', '--tenant', TENANT);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('open-work')]);
    rotated('log key');

    // The platform's own key comes last: the load signs with it.
    await run('issuer', 'key', 'add', `platform-${TENANT}`, '--tenant', TENANT);
    await run('issuer', 'key', 'revoke', `platform-${TENANT}`, '--tenant', TENANT, '--keyid', keyidOf(`platform-${TENANT}`));
    await expectEnds(begun);
    expect(await work.claim(await work.proposing(`platform-${TENANT}.next`)(sandboxBody()), { executor: 'deployer' })).toBe(
      'claim.granted',
    );
    rotated('platform key');

    await world.settle();
    await world.expectSound(trial);
    expect(await run('verify', 'ledger')).toMatchObject({ status: 'valid' });
  },
  TIMEOUT_MS,
);

const sandboxBody = () =>
  sandboxDeploy({ tenant: TENANT, birth: world.home.bound().birth, ciSeed: world.home.key(`ci-${TENANT}.next`), nowMs: Date.now() });
