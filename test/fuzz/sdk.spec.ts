/** What askers and executors believe, from its bytes to what they are told: the truth that somebody changed, or nothing. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import { afterAll } from 'vitest';

import { codecs, type VerdictRecord, WireError } from '#adapters';
import { sha256Hex } from '#crypto';
import {
  canonicalBytes,
  type Entry,
  ENTRY_BYTES_MAX,
  formatProof,
  formatTrust,
  fromUtf8,
  leafHash,
  parseJson,
  permitOf,
  signCheckpoint,
  utf8,
} from '#domain';
import {
  demandAllowed,
  Denied,
  FileJournal,
  HttpProposer,
  JournalError,
  type JournalRecord,
  NotAllowed,
  openTrust,
  Pending,
  type ProposalBody,
  Unavailable,
  type VerifiedVerdict,
  verifyVerdict,
} from '#sdk';
import { attest, MemoryLane, NOTE } from '#testing';

import { fuzz, type Target } from './fuzz.ts';

/** One action for each way in which it may end; people are asked about `approved`, `denied` and `waits`. */
const HIGH = { resource: { type: 'thing', id: 'high' }, actor: { kind: 'agent', id: 'eves-bot', actingFor: 'eve' } };
const BODIES: Readonly<Record<string, ProposalBody>> = {
  allowed: NOTE as ProposalBody,
  refused: { ...NOTE, class: 'unknown' } as ProposalBody,
  shadow: { ...NOTE, mode: 'shadow' } as ProposalBody,
  approved: { ...NOTE, ...HIGH } as ProposalBody,
  denied: { ...NOTE, ...HIGH } as ProposalBody,
  waits: { ...NOTE, ...HIGH } as ProposalBody,
};
const lane = MemoryLane.ready();
for (const [id, body] of Object.entries(BODIES)) {
  const [entry] = lane.propose(id, body);
  const vote = { approved: 'approve', denied: 'deny' }[id];
  if (!entry || vote === undefined) continue;
  const { index, bindingDigest } = entry.statement.predicate;
  lane.control('approval.recorded', 'acme', { decision: index, bindingDigest, vote, by: 'ana' });
}
lane.propose('allowed'); // again
const { vkey } = lane.parties.logOf('acme');
const trust = formatTrust(vkey);
const open = openTrust({ acme: trust });
const origin = vkey.slice(0, vkey.indexOf('+'));
const seed = lane.parties.keys.seed(origin);

const { receipts } = attest(lane, lane.parties.keys);
const receiptOf = (entry: Entry): Uint8Array => receipts[lane.entries.indexOf(entry)]?.proof ?? new Uint8Array();
const proposals = lane.inputs.actions.map((value) => codecs.signedEnvelope.decode(value ?? new Uint8Array()).payload);

/** As the notary writes it. */
function verdictOf(entry: Pick<Entry, 'kind' | 'actionId' | 'statement'>, receipt: Uint8Array): VerdictRecord {
  const { predicate, subject } = entry.statement;
  const said = predicate.verdict ?? predicate['outcome'];
  const reasons = predicate['reasons'];
  return {
    ...{ tenant: 'acme', origin, leafIndex: Number(predicate.index), actionId: entry.actionId, kind: entry.kind, receipt },
    ...{ verdict: typeof said === 'string' ? said : '', reasons: Array.isArray(reasons) ? reasons.map(String) : [] },
    proposal: proposals.find((payload) => sha256Hex(payload) === subject[0].digest.sha256) ?? null,
  };
}
const answered = lane.entries.filter(({ kind }) => ['action.decided', 'action.repeated', 'escalation.settled'].includes(kind));
const verdicts = answered.map((entry) => verdictOf(entry, receiptOf(entry)));
const verified = verdicts.map((record) => verifyVerdict(record, open));

class Refused extends Error {}

function verifiedOf(record: VerdictRecord): VerifiedVerdict {
  const told = verifyVerdict(record, open);
  if (told === undefined || 'code' in told) throw new Refused(told?.code ?? 'of another tenant');
  return told;
}

/** Its receipt may have more signatures, which nobody asked for, and its proposal may be left out: some are erased. */
function believed(record: VerdictRecord): undefined {
  const { receipt: _, proposal, ...told } = verifiedOf(record);
  const { kind, actionId, verdict, reasons, statement } = told;
  const copies = { kind, actionId, verdict, reasons, leafIndex: Number(statement.predicate.index) };
  if (!isDeepStrictEqual({ ...record, ...copies }, record))
    throw new TypeError(`believed, though the record says ${JSON.stringify(copies)}`);
  const isOriginal = verified.some((each) => {
    if (each === undefined || 'code' in each) return false;
    const { receipt: __, proposal: original, ...rest } = each;
    return isDeepStrictEqual(told, rest) && (proposal === null || isDeepStrictEqual(proposal, original));
  });
  if (!isOriginal) throw new TypeError(`believed: ${JSON.stringify(told)}`);
}

const [first] = verdicts;
if (!first) throw new Error('nothing was decided');
const decisions = answered.filter(({ kind }) => kind === 'action.decided');

/** Leaf 0, and the only one, of a tree that the log has signed. */
function signedAgain(bytes: Uint8Array): Uint8Array {
  const checkpoint = signCheckpoint({ origin, size: 1n, root: leafHash(bytes) }, seed);
  return utf8(formatProof({ entry: bytes, index: 0n, proof: [], checkpoint }));
}
const asFirst = ({ statement }: Entry): Uint8Array => canonicalBytes({ ...statement, predicate: { ...statement.predicate, index: '0' } });

/** Whatever stands in an entry that the log has signed: nobody who reads it may fall over it. */
function toldOf(bytes: Uint8Array): undefined {
  const entry = entryIn(bytes);
  if (!entry || bytes.length > ENTRY_BYTES_MAX) throw new Refused('no entry');
  const record = verdictOf(entry, signedAgain(bytes));
  const told = verifiedOf(record);
  if (told.kind !== 'action.decided' && told.kind !== 'escalation.settled') return;
  for (const options of [{}, { mode: 'shadow' }] as const) {
    try {
      demandAllowed(told, { ...options, nowMs: lane.nowMs });
    } catch (error) {
      if (!(error instanceof NotAllowed)) throw error;
    }
  }
}

function entryIn(bytes: Uint8Array): Pick<Entry, 'kind' | 'actionId' | 'statement'> | undefined {
  try {
    const statement = parseJson(fromUtf8(bytes)) as unknown as Entry['statement'];
    const kind = statement.predicateType.split(':')[2] as Entry['kind'];
    const { name } = statement.subject[0];
    if (typeof statement.subject[0].digest.sha256 !== 'string' || typeof statement.predicate !== 'object') return undefined;
    return { kind, actionId: name === kind ? '' : name, statement };
  } catch {
    return undefined;
  }
}

/** As the gateway answers: docs/http-api.md. */
function answerTo(id: string): Uint8Array {
  const of = (kind: string): Entry | undefined => answered.find((entry) => entry.kind === kind && entry.actionId === id);
  const told = (entry: Entry | undefined) => {
    if (!entry) return undefined;
    const { verdict, reasons, outcome, index } = entry.statement.predicate;
    const permit = permitOf(entry.statement.predicate);
    return { ...{ verdict, reasons, outcome, index }, ...(permit && { permit }), receipt: fromUtf8(receiptOf(entry)) };
  };
  return utf8(JSON.stringify({ id, ...told(of('action.decided')), settlement: told(of('escalation.settled')) }));
}

/** What the asker is told, without the receipt, which may have more signatures. Throws Unavailable for what is not believed. */
async function heard(id: string, body: ProposalBody, answer: Uint8Array): Promise<object> {
  const fetch = (): Promise<Response> => Promise.resolve(new Response(Buffer.from(answer)));
  const proposer = new HttpProposer({ ...{ url: 'http://gateway', token: 't', trust, fetch }, nowMs: () => lane.nowMs });
  try {
    const { receipt: _, ...decision } = await proposer.find(body, { id });
    return decision;
  } catch (error) {
    if (error instanceof Unavailable || !(error instanceof NotAllowed)) throw error;
    const { name, code, next } = error;
    if (code === 'PENDING') throw new Refused('not decided yet, which needs no proof');
    return {
      name,
      code,
      next,
      ...(error instanceof Denied && { reasons: error.reasons }),
      ...(error instanceof Pending && { id: error.id }),
    };
  }
}

const PERMIT = { executors: ['mallory'], notBefore: '2026-01-01T00:00:00.000Z', executeBy: '2099-01-01T00:00:00.000Z' };

async function answerTarget([id, body]: [string, ProposalBody]): Promise<Target> {
  const answer = answerTo(id);
  const truth = await heard(id, body, answer);
  const parse = async (bytes: Uint8Array): Promise<undefined> => {
    const told = await heard(id, body, bytes);
    if ('name' in told && told.name === 'Pending' && id !== 'waits') throw new Refused('how it ended was kept back, which nobody can tell');
    if (!isDeepStrictEqual(told, truth)) throw new TypeError(`believed: ${JSON.stringify(told)}, not ${JSON.stringify(truth)}`);
  };
  const { settlement, ...said } = JSON.parse(fromUtf8(answer)) as Record<string, object | undefined>;
  const lies = [{ verdict: 'ALLOW' }, { reasons: ['ALLOW_POLICY'] }, { reasons: [] }, { index: '0' }, { permit: PERMIT }];
  const lied = lies.map((lie) => ({ ...said, ...lie, settlement }));
  const ends = ['ALLOW_APPROVED', 'DENY_HUMAN'].flatMap((outcome) => [{ outcome }, { outcome, permit: PERMIT }, { outcome, index: '0' }]);
  const ended = ends.map((end) => ({ ...said, settlement: { receipt: said['receipt'], index: said['index'], ...settlement, ...end } }));
  const hostile = [...Object.keys(BODIES).map(answerTo), ...[...lied, ...ended].map((lie) => utf8(JSON.stringify(lie)))];
  return { name: `proved answer: ${id}`, valid: [answer], hostile, parse, errors: [Unavailable, Refused] };
}

const folder = mkdtempSync(join(tmpdir(), 'countersign-fuzz-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const owner = { origin, issuer: 'deployer' };
const HASH = 'a'.repeat(64);
const records: readonly JournalRecord[] = [
  { kind: 'position', offset: '4' },
  { kind: 'claimed', claim: 'c-1', decision: '3', action: 'größe', offset: '5' },
  { kind: 'running', claim: 'c-1', part: 'result', resultBy: '2026-01-01T00:00:00.000Z', before: HASH },
  { kind: 'ran', claim: 'c-1', part: 'result', outcome: { status: 'succeeded', before: HASH, evidence: [{ type: 'log', digest: HASH }] } },
  { kind: 'reported', claim: 'c-1', part: 'result' },
  { kind: 'claimed', claim: 'c-2', decision: '9', action: 'b', offset: '12' },
  { kind: 'ended', claim: 'c-2', why: 'too late — “no”' },
];
const header = JSON.stringify({ journal: 'countersign.executor.v1', ...owner });
const journal = [header, ...records.map((each) => JSON.stringify(each)), ''].join('\n');

/** Opened, it is what it was: every record of the file that still matters, and the same once more. */
async function opened(bytes: Uint8Array): Promise<undefined> {
  const path = join(folder, 'deployer.jsonl');
  writeFileSync(path, bytes);
  const read = async (): Promise<string> => {
    const of = FileJournal.open(path, owner);
    const loaded = await of.load();
    await of.close();
    return JSON.stringify(loaded);
  };
  const whole = bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1);
  const once = await read();
  if (!Buffer.from(Buffer.from(whole).toString()).equals(whole)) throw new TypeError(`replaced what is no UTF-8: ${once}`);
  if (once !== (await read()) || readFileSync(path, 'utf8').split('\n')[0] !== header) throw new TypeError(`opened again: not ${once}`);
}

const TARGETS: readonly Target[] = [
  {
    name: 'verdict on Kafka',
    valid: verdicts.map((record) => codecs.verdict.encode(record)),
    parse: (bytes) => {
      believed(codecs.verdict.decode(bytes));
    },
    errors: [WireError, Refused],
  },
  {
    name: 'receipt of a verdict',
    valid: [first.receipt],
    hostile: verdicts.map(({ receipt }) => receipt),
    parse: (receipt) => {
      believed({ ...first, receipt });
    },
    errors: [Refused],
  },
  {
    name: 'proposal of a verdict',
    valid: first.proposal ? [first.proposal] : [],
    hostile: proposals,
    parse: (proposal) => {
      believed({ ...first, proposal });
    },
    errors: [Refused],
  },
  { name: 'verdict that its log has signed', valid: answered.map(asFirst), parse: toldOf, errors: [Refused] },
  {
    name: 'proposal whose digest its log has signed',
    valid: proposals.slice(0, 1),
    hostile: proposals,
    parse: (proposal) => {
      const [entry] = decisions as [Entry];
      const { statement } = entry;
      const subject = [{ ...statement.subject[0], digest: { sha256: sha256Hex(proposal) } }] as const;
      const signed = { ...entry, statement: { ...statement, subject, predicate: { ...statement.predicate, index: '0' } } };
      const receipt = signedAgain(canonicalBytes(signed.statement));
      return canonicalBytes(verifiedOf({ ...verdictOf(signed, receipt), proposal }).proposal);
    },
    errors: [Refused],
  },
  ...(await Promise.all(Object.entries(BODIES).map(answerTarget))),
  { name: 'journal of an executor', valid: [utf8(`${header}\n`), utf8(journal)], parse: opened, errors: [JournalError] },
];

fuzz('what askers and executors believe', TARGETS);
