import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { codecs } from '#adapters';
import { ed25519PublicKey, sha256Hex } from '#crypto';
import {
  formatTrust,
  formatVkey,
  fromUtf8,
  type PayloadHead,
  type PayloadKind,
  sealEnvelope,
  tenantSeed,
  type ToldCredential,
  type ToldPart,
  utf8,
} from '#domain';

import { LANE, PLATFORM, recordWrite, standardBundle, TENANT, World } from '../support/world.ts';
import { countersign, type Ended } from './run.ts';

const EXECUTOR = 'crm-writer';
const CLAIM = 'claim-1';
const { policies } = standardBundle()['cedar'] as unknown as { policies: Record<string, string> };
const policyText = (id: string): string | undefined => policies[id]?.trim();
const sha256 = (text: string): string => sha256Hex(utf8(text));

describe('countersign explain and effects', () => {
  let world: World;
  /** Of the decision that allows. */
  let decision: { readonly decision: string; readonly receipt: string };
  let origin: string;
  let empty: string;
  const run = (...args: string[]): Promise<Ended> =>
    countersign([...args, '--data', world.home.folder], empty, { KAFKA_BROKERS: inject('brokers').join(',') });
  const parts = async (...args: string[]): Promise<ToldPart[]> => {
    const { code, stdout, stderr } = await run('explain', ...args, '--json');
    expect([code, stderr]).toEqual([0, '']);
    return (JSON.parse(stdout) as { parts: ToldPart[] }).parts;
  };
  /** As the executor signs it; resolves when its answer is on the ledger and attested. */
  const says = async (kind: PayloadKind, body: object, given: Partial<PayloadHead> = {}): Promise<void> => {
    const head = world.head({ issuer: EXECUTOR, ...given });
    const seed = world.home.key(`${EXECUTOR}-${TENANT}`);
    const value = codecs.signedEnvelope.encode(sealEnvelope({ kind, body, head, seed, lane: LANE }));
    await world.receiptOf(await world.send(value, { topic: 'outcomes' }));
  };

  beforeAll(async () => {
    empty = mkdtempSync(join(tmpdir(), 'countersign-explain-'));
    world = await World.open(inject('brokers'), 'explain');
    const { record } = await world.receiptOf(await world.propose(recordWrite, { id: 'write' }));
    origin = record.origin;
    decision = { decision: String(record.leafIndex), receipt: fromUtf8(record.proof) };
    const [recordType, resource] = ['payment-method', { type: 'record', id: 'payment-method' }];
    const payment = { ...recordWrite, parameters: { ...recordWrite.parameters, recordType }, resource };
    await world.receiptOf(await world.propose(payment, { id: 'pay' }));
    const elsewhere = { ...recordWrite.parameters, tenantId: 'globex' };
    await world.receiptOf(await world.propose({ ...recordWrite, parameters: elsewhere }, { id: 'elsewhere' }));
  });
  afterAll(async () => {
    await world.close();
    rmSync(empty, { recursive: true });
  });

  it('says that nothing is open before the first claim', async () => {
    expect(await run('effects')).toEqual({ code: 0, stdout: 'No open effects: whatever was claimed is over.\n', stderr: '' });
    expect(await run('effects', '--tenant', TENANT, '--json')).toMatchObject({ code: 0, stdout: '[]\n' });
  });

  it('lists what a credential did: its life, how often each verdict came, and each proposal by its index', async () => {
    const { code, stdout, stderr } = await run('credential', TENANT, PLATFORM, '--json');
    expect([code, stderr]).toEqual([0, '']);
    const told = JSON.parse(stdout) as ToldCredential;
    expect(told.life.map(({ kind }) => kind)).toEqual(['issuer.registered']);
    expect(told.proposed.map(({ action, said }) => [action, said])).toEqual([
      ['write', 'ALLOW'],
      ['pay', 'DENY'],
      ['elsewhere', 'DENY'],
    ]);
    expect(told.counts).toMatchObject({ 'proposed ALLOW ALLOW_POLICY': 1, 'proposed DENY DENY_TENANT_SCOPE': 1 });
    const text = await run('credential', TENANT, PLATFORM, '--last', '1');
    expect(text.stdout).toContain('DENY_TENANT_SCOPE  elsewhere, agent agent-7, update-record');
    expect(text.stdout).not.toContain('  pay,');
  });

  it('does not know a credential that the ledger does not name', async () => {
    const { code, stderr } = await run('credential', TENANT, 'nobody');
    expect([code, stderr]).toEqual([
      1,
      `countersign: the ledger has no issuer or token nobody of tenant ${TENANT}: countersign log --tenant ${TENANT} lists what it has\n`,
    ]);
  });

  it('tells an ALLOW: who asked what, why, the policy as the bundle in force has it, what to do, and the proof', async () => {
    const { code, stdout, stderr } = await run('explain', 'write');
    expect([code, stderr]).toEqual([0, '']);
    const [part] = await parts('write');
    expect(part?.policies.map(({ id, text }) => [id, text])).toEqual(part?.policies.map(({ id }) => [id, policyText(id)]));
    for (const line of part?.policies.flatMap(({ text }) => text?.split('\n') ?? []) ?? []) expect(stdout).toContain(line);
    for (const said of [
      `Action write of ${TENANT}`,
      'agent agent-7 asked for update-record through connector crm',
      `class record.write; ${PLATFORM} signed it.`,
      'ALLOW_POLICY: a permit of the bundle matched and needs no person.',
      'Next: act once',
      '@unattended(',
      'Contract of crm, version',
      `index ${decision.decision}`,
    ])
      expect(stdout).toContain(said);
  });

  it('tells a DENY with the forbid that matched, and nothing of what would have been allowed', async () => {
    const [part, ...more] = await parts('pay', '--tenant', TENANT);
    expect(more).toEqual([]);
    expect(part).toMatchObject({ verdict: 'DENY', reasons: [{ code: 'DENY_POLICY', next: 'stop' }], rules: [] });
    expect(part?.policies.map(({ text }) => text)).toEqual([expect.stringMatching(/^forbid \(/)]);
    const { stdout } = await run('explain', 'pay');
    expect(stdout).toContain(part?.policies[0]?.text?.split('\n')[0]);
    expect(stdout).not.toMatch(/permit|allowed|unattended|low/);
  });

  it('calls a denial for another tenant by its name', async () => {
    const [part] = await parts('elsewhere');
    expect(part?.proofs).toEqual(['decision receipt', 'tenant-scoped denial receipt']);
  });

  it('follows an action through claim and outcome, and lists its effect while it is open', async () => {
    await says('claim.requested', decision, { id: CLAIM });
    const { code, stdout } = await run('effects', '--tenant', TENANT, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([
      { tenant: TENANT, action: 'write', claim: CLAIM, executor: EXECUTOR, awaits: 'result', uncertainSince: null },
    ]);
    expect((await run('effects')).stdout).toContain(`claim ${CLAIM} by executor ${EXECUTOR}, since 20`);
    const report = { kind: 'result', status: 'succeeded', before: sha256('old'), after: sha256('new') };
    await says('outcome.reported', { decision: decision.decision, claim: CLAIM, ...report });
    expect((await run('effects', '--json')).stdout).toBe('[]\n');
    const told = await parts('write');
    expect(told.map(({ kind, proofs }) => [kind, ...proofs])).toEqual([
      ['action.decided', 'decision receipt'],
      ['claim.granted', 'claim.granted receipt'],
      ['outcome.recorded', 'change receipt'],
    ]);
    expect(told.at(-1)?.says).toContain(`State after: ${sha256('new')}.`);
  });

  it('does not know an action or tenant that is not there, and asks which when two tenants have one', async () => {
    expect(await run('explain', 'nothing')).toMatchObject({ code: 1, stdout: '' });
    expect(await run('explain', 'write', '--tenant', 'globex')).toMatchObject({ code: 1, stdout: '' });
    expect(await run('effects', '--tenant', 'nobody')).toMatchObject({ code: 1, stdout: '' });
    const head = world.head({ tenant: 'globex', issuer: 'platform-globex', id: 'write' });
    const theirs = { kind: 'action.proposed', body: recordWrite, head, seed: world.home.key('platform-globex'), lane: 1 } as const;
    await world.receiptOf(await world.send(codecs.signedEnvelope.encode(sealEnvelope(theirs)), { lane: 1, key: 'globex' }));
    const both = await run('explain', 'write');
    expect(both).toMatchObject({ code: 2, stdout: '' });
    expect(both.stderr).toContain('say which with --tenant');
    expect((await parts('write', '--tenant', 'globex')).map(({ verdict }) => verdict)).toEqual(['DENY']);
  });

  describe('offline', () => {
    const offline = (...args: string[]): Promise<Ended> => countersign(['explain', ...args], empty);
    beforeAll(() => {
      writeFileSync(join(empty, 'write.tlog-proof'), decision.receipt);
      writeFileSync(
        join(empty, 'acme.trust'),
        formatTrust(formatVkey(origin, ed25519PublicKey(tenantSeed(world.home.key('ledger'), origin)))),
      );
    });

    it('tells from a receipt and a trust file alone, without the texts that only the bundle has', async () => {
      const { code, stdout, stderr } = await offline('write', '--receipt', 'write.tlog-proof', '--trust', 'acme.trust');
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(/Policy \S+: its text is in the bundle\./);
      expect(stdout).toContain(`It may be claimed once, by ${EXECUTOR}`);
      expect(stdout).toContain('what came before and after is not in it');
    });

    it('tells nothing of a receipt that does not verify, or is of another action', async () => {
      writeFileSync(join(empty, 'bent.tlog-proof'), decision.receipt.replace(/^index \d+/m, 'index 1'));
      const bent = await offline('write', '--receipt', 'bent.tlog-proof', '--trust', 'acme.trust');
      expect(bent).toMatchObject({ code: 1, stdout: '' });
      expect(bent.stderr).toContain('INVALID NOT_INCLUDED');
      expect(await offline('pay', '--receipt', 'write.tlog-proof', '--trust', 'acme.trust')).toMatchObject({ code: 1, stdout: '' });
    });

    it.each([
      ['no trust file', ['write', '--receipt', 'write.tlog-proof']],
      ['no receipt', ['write', '--trust', 'acme.trust']],
      ['a missing receipt', ['write', '--receipt', 'none', '--trust', 'acme.trust']],
      ['a tenant as well', ['write', '--receipt', 'write.tlog-proof', '--trust', 'acme.trust', '--tenant', 'acme']],
    ])('cannot tell with %s', async (_what, args) => {
      expect(await offline(...args)).toMatchObject({ code: 2, stdout: '' });
    });
  });

  it('leaves a ledger that the checker finds valid', () => world.expectValid());
});
