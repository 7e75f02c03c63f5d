import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { activateBundle, type CheckedReceipt, codecs, issueToken, revokeIssuer, revokeToken, textOf, wire } from '#adapters';
import { equalBytes, formatTrust, fromUtf8, type Json, parseBundle, parseTrust, verifyReceipt } from '#domain';
import { executor, type Rejection, type VerifiedVerdict } from '#sdk';

import { judge } from '../../apps/all/src/tour/expect.ts';
import { partiesOf, recordOf } from '../../apps/all/src/tour/propose.ts';
import { type Scenario, scenarios } from '../../apps/all/src/tour/scenarios.ts';
import { PATIENCE_MS, until } from '../support/kafka.ts';
import { citationOf, LANE, LANES, type Place, recordWrite, standardBundle, TENANT, told, World } from '../support/world.ts';

let world: World;
const places = new Map<Scenario, Place>();
let script: readonly Scenario[];

beforeAll(async () => {
  world = await World.open(inject('brokers'), 'spine');
  script = scenarios(partiesOf(world.home, Date.now() - 40_000));
});
afterAll(() => world.close());

/** As `expect` says it in the scenarios, for the table of expectations below. */
const EXPECTED: readonly (readonly [name: string, told: string])[] = [
  ['production deploy during an incident', 'ESCALATE ESCALATE_APPROVAL_REQUIRED'],
  ['the same deploy to a low-risk sandbox', 'ALLOW ALLOW_POLICY'],
  ['a production target called a sandbox', 'ESCALATE ESCALATE_APPROVAL_REQUIRED'],
  ['a deploy without rollback path', 'DENY DENY_MISSING_EVIDENCE'],
  ['record write in its own tenant', 'ALLOW ALLOW_POLICY'],
  ['record write aimed at another tenant', 'DENY DENY_TENANT_SCOPE'],
  ['record write without a contract', 'DENY DENY_CONTRACT'],
  ['unknown class', 'DENY DENY_UNKNOWN_CLASS'],
  ['an unsigned proposal', 'REFUSED_SIGNATURE'],
  ['bytes that are not Avro', 'REFUSED_ENCODING'],
  ['the same action again', 'action.repeated'],
  ['the same id with other content', 'DENY DENY_CONFLICT'],
  ['production deploy in shadow mode', 'WOULD_ESCALATE ESCALATE_APPROVAL_REQUIRED'],
];

describe('the tour', () => {
  it.each(EXPECTED)('%s: %s', async (name, expected) => {
    const scenario = script.find((each) => each.name === name);
    if (!scenario) throw new Error('no such scenario');
    const { value } = recordOf(world.home, scenario, Date.now());
    const place = await world.send(value);
    places.set(scenario, place);
    const receipt = await world.receiptOf(place);
    expect(told(receipt)).toBe(expected);
    expect(judge(scenario, receipt, await world.receipts()).fault).toBeUndefined();
  });

  it('plays every scenario', () => {
    expect([...places.keys()]).toEqual(script);
  });

  it('gives a permit to an enforced ALLOW alone, and cites the bundle in force', async () => {
    const { digest } = parseBundle(standardBundle());
    const decisions = (await world.receipts()).filter(({ kind }) => kind === 'action.decided');
    for (const { statement } of decisions) {
      const { verdict, permit, bundle } = statement.predicate;
      expect([permit !== undefined, bundle]).toEqual([verdict === 'ALLOW', digest]);
    }
  });

  it('leaves an escalation pending, and the gateway says so', async () => {
    const { status, text } = await world.get('/v1/actions/tour-production-deploy');
    expect([status, JSON.parse(text)]).toMatchObject([200, { state: 'decided', verdict: 'ESCALATE' }]);
  });
});

describe('a receipt', () => {
  const trusted = async () => parseTrust((await world.get(`/v1/trust/${TENANT}`)).text);

  it('verifies with a trust file alone, and with any one bit flipped it does not', async () => {
    const trust = await trusted();
    const pins = { origin: trust.log.name, verifier: trust.log, trust };
    const all = await world.receipts();
    const { proof } = all.findLast(({ kind }) => kind === 'action.decided')?.record ?? { proof: new Uint8Array() };
    const { entry } = verifyReceipt(proof, pins);
    const accepted: number[] = [];
    for (let bit = 0; bit < proof.length * 8; bit += 9) {
      // each position within a byte in turn; every bit of a receipt: libs/domain
      const changed = proof.with(bit >> 3, (proof[bit >> 3] ?? 0) ^ (1 << (bit & 7)));
      try {
        verifyReceipt(changed, pins);
        accepted.push(bit);
      } catch {
        continue;
      }
    }
    expect(accepted).toEqual([]);
    expect(entry.length).toBeGreaterThan(0);
  });

  it("does not verify with another tenant's key", async () => {
    const trust = parseTrust(formatTrust((await trusted()).log.vkey));
    const other = world.home.config.systemLogs[0];
    const [receipt] = (await world.receipts()).filter(({ record }) => record.tenant === TENANT);
    expect(() =>
      verifyReceipt(receipt?.record.proof ?? new Uint8Array(), {
        origin: trust.log.name,
        verifier: parseTrust(formatTrust(other?.vkey ?? '')).log,
      }),
    ).toThrow();
  });
});

describe('what comes out', () => {
  it('has text headers on every record of ledger, receipts and verdicts that say what the record says', async () => {
    const ids: string[] = [];
    for (let lane = 0; lane < LANES; lane++) {
      for (const [topic, letter, codec] of [
        ['ledger', 'l', { decode: (bytes: Buffer) => wire.decodeRecord(bytes) }],
        ['receipts', 'r', codecs.receipt],
        ['verdicts', 'v', codecs.verdict],
      ] as const) {
        const records = await world.read(topic, lane);
        for (const { headers, value, key } of records) {
          const { tenant, leafIndex, actionId, kind } = codec.decode(value ?? Buffer.of());
          const { ce_id: id = '', ce_source: origin = '', ce_time: time, laneseq, place } = headers;
          ids.push(id);
          expect(headers).toEqual({
            ...{ ce_specversion: '1.0', ce_id: `${letter}-${origin.split('/t/')[1] ?? ''}-${leafIndex}`, ce_source: origin },
            ...{ ce_type: `urn:countersign:${kind}:v1`, ce_time: time, ce_subject: actionId === '' ? kind : actionId },
            ...{ 'content-type': 'application/avro', tenant, leafindex: String(leafIndex), actionid: actionId, laneseq },
            ...(place !== undefined && { place }),
          });
          if (topic === 'ledger')
            expect(place).toBeUndefined(); // it is in the record
          else if (place !== undefined) expect(place).toMatch(new RegExp(`^(controls|outcomes|actions)/${lane}/\\d+/0$`));
          expect(laneseq).toMatch(/^[1-9]\d*$/);
          expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
          expect(key?.toString()).toBe(tenant);
        }
        if (topic !== 'verdicts') expectDense(records.map(({ headers }) => headers));
      }
    }
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThan(60);
  });

  it('has one verdict for each decision and repetition, with its receipt and the exact bytes that were proposed', async () => {
    const payloads = new Map<string, Uint8Array>(
      (await world.read('actions')).flatMap(({ value, offset }) => {
        const payload = payloadOf(value);
        return payload ? [[`actions/${LANE}/${offset}`, payload] as const] : [];
      }),
    );
    const answered = (await world.receipts()).filter(({ kind }) => kind === 'action.decided' || kind === 'action.repeated');
    const verdicts = (await world.read('verdicts')).map(({ value }) => codecs.verdict.decode(value ?? Buffer.of()));
    expect(verdicts.length).toBe(answered.length);
    answered.forEach((receipt, at) => {
      const { record, kind, statement } = receipt;
      expect(verdicts[at]).toEqual({
        ...{ tenant: record.tenant, origin: record.origin, leafIndex: record.leafIndex, actionId: record.actionId, kind },
        ...{ verdict: textOf(statement.predicate, 'verdict'), reasons: statement.predicate['reasons'] ?? [] },
        ...{ receipt: record.proof, proposal: payloads.get(citationOf(receipt) ?? '') },
      });
    });
  });

  it('passes a trace context on, and no other header', async () => {
    const traceparent = `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`;
    const good = await world.receiptOf(await world.send(world.value(), { headers: { traceparent, evil: 'yes' } }));
    const bad = await world.receiptOf(await world.send(world.value(), { headers: { traceparent: 'x\r\ny' } }));
    const traced = async ({ record }: CheckedReceipt): Promise<unknown[]> =>
      (await Promise.all((['ledger', 'receipts', 'verdicts'] as const).map((topic) => world.read(topic))))
        .flat()
        .filter(({ headers }) => headers['actionid'] === record.actionId)
        .map(({ headers }) => [headers['traceparent'], headers['evil']]);
    expect(await traced(good)).toEqual(Array(3).fill([traceparent, undefined]));
    expect(await traced(bad)).toEqual(Array(3).fill([undefined, undefined]));
  });
});

describe('a token', () => {
  it('is issued, used, revoked, and refused from then on', async () => {
    const validUntilMs = Date.now() + 3_600_000;
    const { envelope, bearer, tokenId } = issueToken(world.home, {
      ...{ tenant: TENANT, roles: ['propose', 'read'] as const, validUntilMs },
      actors: [{ kind: 'agent', id: recordWrite.actor.id }],
    });
    const propose = async () => {
      const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' };
      const answer = await world.gateway.server.inject({
        method: 'POST',
        url: '/v1/actions?wait=30s',
        headers,
        payload: JSON.stringify(recordWrite),
      });
      return [answer.statusCode, answer.json<{ verdict?: string; code?: string }>().verdict ?? answer.json<{ code?: string }>().code];
    };
    expect(await propose()).toEqual([401, 'TOKEN_UNKNOWN']);
    await world.control(envelope);
    await until('the token is known', async () => (await world.get(`/v1/trust/${TENANT}`, bearer)).status === 200);
    expect(await propose()).toEqual([200, 'ALLOW']);
    await world.control(revokeToken(world.home, TENANT, tokenId));
    await until('the token is revoked', async () => (await world.get(`/v1/trust/${TENANT}`, bearer)).status === 401);
    expect(await propose()).toEqual([401, 'TOKEN_REVOKED']);
  });
});

describe('an issuer', () => {
  it('is refused, registered, believed, revoked, and refused at once', async () => {
    const seed = world.home.createKey(`platform-2-${TENANT}`);
    const propose = async () =>
      told(
        await world.receiptOf(await world.send(codecs.signedEnvelope.encode(world.envelope(recordWrite, { issuer: 'platform-2' }, seed)))),
      );
    expect(await propose()).toBe('REFUSED_ISSUER');
    await world.control(world.ownIssuer({ tenant: TENANT, issuer: 'platform-2', type: 'platform' }));
    expect(await propose()).toBe('ALLOW ALLOW_POLICY');
    await world.control(revokeIssuer(world.home, TENANT, 'platform-2'));
    expect(await propose()).toBe('REFUSED_ISSUER');
    await expect(world.control(revokeIssuer(world.home, TENANT, 'platform-2'))).rejects.toMatchObject({ code: 'REFUSED' });
  });

  it('says the actors of its list only', async () => {
    const seed = world.home.createKey(`platform-3-${TENANT}`);
    await world.control(
      world.ownIssuer({ tenant: TENANT, issuer: 'platform-3', type: 'platform', actors: [{ kind: 'agent', id: 'agent-1' }] }),
    );
    const propose = async (id: string) => {
      const body = { ...recordWrite, actor: { kind: 'agent', id } };
      return told(
        await world.receiptOf(await world.send(codecs.signedEnvelope.encode(world.envelope(body, { issuer: 'platform-3' }, seed)))),
      );
    };
    expect([await propose('agent-1'), await propose('agent-7')]).toEqual(['ALLOW ALLOW_POLICY', 'DENY DENY_ACTOR']);
  });
});

describe('a pending escalation', () => {
  it('expires by the passing of time alone: settled once, with receipt and verdict', async () => {
    const standard = standardBundle();
    const least = { group: 'release-managers', min: 1, expiresInSeconds: 60 };
    const approvalRules = { ...(standard['approvalRules'] as Readonly<Record<string, Json>>), 'production-change': least };
    await world.control(...activateBundle(world.home, { ...standard, approvalRules }));
    // With evidence of its own: what the tour showed counted once.
    const deploy = scenarios(partiesOf(world.home, Date.now())).find(({ id }) => id === 'tour-production-deploy');
    if (deploy?.kind !== 'proposal') throw new Error('no such scenario');
    const { statement } = await world.receiptOf(await world.propose(deploy.body, { id: 'short' }));
    expect(textOf(statement.predicate, 'verdict')).toBe('ESCALATE');
    // Clocks of a lane differ by seconds at most, so that minute has to pass.
    const settled = await until(
      'the escalation is settled',
      async () => (await world.receipts()).find(({ kind }) => kind === 'escalation.settled'),
      { patienceMs: 60_000 + PATIENCE_MS },
    );
    const { predicate, subject } = settled.statement;
    expect([subject[0].name, predicate]).toMatchObject([
      'short',
      {
        ...{ settles: statement.predicate.index, outcome: 'EXPIRED_NO_DECISION', deadline: statement.predicate['approvalDeadline'] },
        source: { kind: 'tick', part: 0, parts: 1 },
      },
    ]);
    expect(predicate.decidedAt >= textOf(predicate, 'deadline')).toBe(true);
    const last = codecs.verdict.decode((await world.read('verdicts')).at(-1)?.value ?? Buffer.of());
    expect([last.kind, last.verdict, last.proposal]).toEqual(['escalation.settled', 'EXPIRED_NO_DECISION', null]);
    expect(equalBytes(last.receipt, settled.record.proof)).toBe(true);
    const answer = await until('the gateway knows', async () => {
      const shown = JSON.parse((await world.get('/v1/actions/short')).text) as { state: string };
      return shown.state === 'settled' && shown;
    });
    expect(answer).toMatchObject({
      verdict: 'ESCALATE',
      settlement: { outcome: 'EXPIRED_NO_DECISION', receipt: fromUtf8(settled.record.proof) },
    });
  }, 120_000);
});

describe('stopped and started again', () => {
  const stopAll = async () => {
    for (const name of ['gateway', 'notary', 'decider'] as const) await world.stop(name);
  };

  it('goes on with the same trees, and decides what arrived meanwhile', async () => {
    const before = (await world.receipts()).map(({ record }) => fromUtf8(record.proof));
    await stopAll();
    const meanwhile = await world.propose();
    const repeated = await world.send((await world.read('actions'))[Number(places.values().next().value?.offset)]?.value ?? null);
    await world.start('decider', { snapshotEveryEntries: 4 });
    await world.start('notary');
    await world.start('gateway');
    expect([told(await world.receiptOf(meanwhile)), told(await world.receiptOf(repeated))]).toEqual([
      'ALLOW ALLOW_POLICY',
      'action.repeated',
    ]);
    expect((await world.receipts()).slice(0, before.length).map(({ record }) => fromUtf8(record.proof))).toEqual(before);
    expectDense((await world.read('receipts')).map(({ headers }) => headers));
  });

  it('goes on from a snapshot with nothing forgotten', async () => {
    for (let at = 0; at < 5; at++) await world.receiptOf(await world.propose());
    expect((await world.read('decider-state')).length).toBeGreaterThan(0);
    await stopAll();
    for (const name of ['decider', 'notary', 'gateway'] as const) await world.start(name);
    const old = (await world.read('actions'))[Number(places.values().next().value?.offset)]?.value ?? null;
    expect(told(await world.receiptOf(await world.send(old)))).toBe('action.repeated');
    const seed = world.home.key(`platform-2-${TENANT}`);
    const revoked = codecs.signedEnvelope.encode(world.envelope(recordWrite, { issuer: 'platform-2' }, seed));
    expect(told(await world.receiptOf(await world.send(revoked)))).toBe('REFUSED_ISSUER');
    for (const name of ['decider', 'notary', 'gateway'] as const) await world.untilReady(name);
    expect(JSON.parse((await world.get('/v1/actions/short')).text)).toMatchObject({ state: 'settled' });
  });
});

describe('an executor', () => {
  it('hears every verdict of its tenant, proved, and nothing else', async () => {
    const verdicts: VerifiedVerdict[] = [];
    const rejected: Rejection[] = [];
    const { topicPrefix, lanes } = world.home.config;
    const trust = { [TENANT]: (await world.get(`/v1/trust/${TENANT}`)).text };
    const published = (await world.read('verdicts')).filter(({ key }) => key?.toString() === TENANT);
    const forged = { ...codecs.verdict.decode(published[0]?.value ?? Buffer.of()), verdict: 'ALLOW', reasons: ['ALLOW_POLICY'] };
    const record = { topic: world.home.topic('verdicts'), partition: LANE, key: Buffer.from(TENANT), value: codecs.verdict.encode(forged) };
    await world.writer.send([record]);
    const options = {
      brokers: world.brokers,
      trust,
      lanes,
      topicPrefix,
      from: Array<bigint>(lanes).fill(0n),
      onRejected: (each: Rejection) => rejected.push(each),
    };
    const subscription = await executor.onVerdict(options, (verdict) => {
      verdicts.push(verdict);
    });
    await until('the forged verdict is rejected', () => rejected.length > 0);
    await subscription.close();
    expect(rejected.map(({ code, lane }) => [code, lane])).toEqual([['COPIES', LANE]]);
    expect(verdicts.map(({ statement }) => statement.predicate.index)).toEqual(published.map(({ headers }) => headers['leafindex']));
  });
});

describe('from genesis', () => {
  it('the whole ledger is valid', () => world.expectValid());
});

/** From 0, one by one, per tenant, in the order of the records. */
function expectDense(headers: readonly Readonly<Record<string, string | undefined>>[]): void {
  const next = new Map<string, number>();
  for (const { tenant = '', leafindex } of headers) {
    expect(leafindex).toBe(String(next.get(tenant) ?? 0));
    next.set(tenant, (next.get(tenant) ?? 0) + 1);
  }
}

/** undefined for what is no envelope. */
function payloadOf(value: Buffer | null): Uint8Array | undefined {
  try {
    return codecs.signedEnvelope.decode(value ?? Buffer.of()).payload;
  } catch {
    return undefined;
  }
}
