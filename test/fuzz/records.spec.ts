/** What comes over Kafka and HTTP, and what a service finds on its own disk. Candidate policies are read in a child process with limits of its own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll } from 'vitest';

import { type AvroRecord, codecs, createLedger, GuardError, GuardFile, InputError, openInput, sealInput, wire, WireError } from '#adapters';
import { ed25519Sign, sha256 } from '#crypto';
import {
  BundleError,
  canonicalBytes,
  CanonicalJsonError,
  decodeState,
  emptyLane,
  EntryError,
  fromUtf8,
  INPUT_TOPICS,
  type Json,
  type LaneHeads,
  LedgerBroken,
  type LedgerRecord,
  pae,
  parseBundle,
  parseCanonical,
  parseJson,
  parsePayload,
  parseStatement,
  PAYLOAD_KINDS,
  type PayloadKind,
  SealedBatches,
  utf8,
} from '#domain';

import { parseBody, parseProposal } from '../../apps/gateway/src/http/body.ts';
import { Problem } from '../../apps/gateway/src/http/problem.ts';
import { formatConfig, parseConfig } from '../../libs/adapters/src/home/config.ts';
import { Unavailable } from '../../libs/sdk/src/errors.ts';
import { membersOf, parseAnswer } from '../../libs/sdk/src/http-answer.ts';
import { sealBatch } from '../../libs/domain/src/ledger/seal.ts';
import { bundleBytes, entries, golden, inputValues, lane, notes, parties, receipts } from './corpora.ts';
import { fuzz, type Target } from './fuzz.ts';

const envelopes = inputValues.map((value) => codecs.signedEnvelope.decode(value));
const payloads = envelopes.map(({ payload }) => payload);
const hash = sha256(utf8('any'));
const key = sha256(utf8('an input key'));
const state = lane.snapshot().bytes;

const kinds = Object.keys(PAYLOAD_KINDS) as PayloadKind[];
const config = createLedger({
  ...{ name: 'ledger.example', lanes: 2, topicPrefix: 'p.', nowMs: lane.nowMs },
  seeds: { ledger: hash, admin: hash, gateway: hash, decider: hash },
}).config;

const proposals = [
  {
    actor: { kind: 'agent', id: 'a' },
    class: 'c',
    operation: 'o',
    parameters: { n: 0.1 },
    resource: { type: 't', id: 'r' },
    id: 'x',
    expiresIn: 60,
  },
  {
    actor: { kind: 'person', id: 'p', actingFor: 'q' },
    class: 'c',
    operation: 'o',
    parameters: {},
    resource: { type: 't', id: 'r' },
    mode: 'shadow',
  },
].map((body) => utf8(JSON.stringify(body)));

const permit = { executors: ['e'], notBefore: '2025-12-31T23:45:00.000Z', executeBy: '2026-01-01T00:00:00.000Z' };
const escalated = { id: 'x', verdict: 'ESCALATE', reasons: ['ESCALATE_APPROVAL_REQUIRED'], index: '1', receipt: 'r' };
const answers = [
  { ...escalated, verdict: 'ALLOW', reasons: ['ALLOW_POLICY'], permit },
  { ...escalated, settlement: { outcome: 'ALLOW_APPROVED', index: '2', receipt: 's', permit } },
].map((answer) => utf8(JSON.stringify(answer)));

const guardFolder = mkdtempSync(join(tmpdir(), 'countersign-fuzz-'));
afterAll(() => {
  rmSync(guardFolder, { recursive: true });
});
const guardLines = [1, 2, 300].map((size) => `ledger.example/t/${'0a'.repeat(16)} ${size} ${'ab'.repeat(32)}\n`);

/** Heads before each batch of the golden ledger, by its first sequence, and the records. */
const batches = startsOfBatches();
const decided = [...batches.values()].find(({ record }) => record.kind === 'action.decided' && record.batchCount === 1);
if (!decided) throw new Error('the golden ledger has a decision in a batch of its own');

function startsOfBatches(): Map<number, { heads: LaneHeads; record: LedgerRecord }> {
  const starts = new Map<number, { heads: LaneHeads; record: LedgerRecord }>();
  const heads = emptyLane(golden.birth, golden.lane).heads;
  const reader = new SealedBatches(heads, wire);
  for (const value of golden.ledger) {
    if (reader.pendingCount === 0) starts.set(heads.nextSeq, { heads: structuredClone(heads), record: wire.decodeRecord(value) });
    reader.push(value);
  }
  return starts;
}

/** Read where its own sequence number belongs; `sealed`: sealed by the decider as it stands, so that its content is looked at. */
function pushRecord(record: LedgerRecord, sealed: boolean): void {
  const { heads } = batches.get(record.laneSeq) ?? { heads: emptyLane(golden.birth, golden.lane).heads };
  const recordHashes = [sha256(wire.encodeRecord({ ...record, batchSeal: null }))];
  const range = { lane: heads.lane, firstSeq: heads.nextSeq, lastSeq: heads.nextSeq, recordHashes };
  const batchSeal = sealed ? sealBatch(range, parties.seedOf('decider')) : record.batchSeal;
  new SealedBatches(structuredClone(heads), wire).push(wire.encodeRecord({ ...record, batchSeal }));
}

function codec<T extends object>(name: string, of: AvroRecord<T>, valid: readonly Uint8Array[]): Target {
  const parse = (bytes: Uint8Array): Uint8Array | undefined => {
    const value = of.decode(bytes);
    return Buffer.from(bytes).readBigInt64LE(2) === of.fingerprint ? of.encode(value) : undefined; // an older writer's
  };
  return { name: `Avro ${name}`, valid, parse, errors: [WireError] };
}

/** undefined for what is not JSON, which is another target's. */
function jsonOf(bytes: Uint8Array, maxDepth: number): Json | undefined {
  try {
    return parseJson(fromUtf8(bytes), { maxDepth });
  } catch {
    return undefined;
  }
}

const TARGETS: readonly Target[] = [
  codec('SignedEnvelope', codecs.signedEnvelope, inputValues),
  codec('LedgerEntry', codecs.ledgerEntry, golden.ledger),
  codec(
    'PlacedEntry',
    codecs.placedEntry,
    lane.ledger.filter((value) => codecs.placedEntry.wrote(value)),
  ),
  codec('InputKey', codecs.inputKey, [codecs.inputKey.encode({ origin: 'ledger.example/t/0', leafIndex: 7, key })]),
  codec(
    'Receipt',
    codecs.receipt,
    receipts.map((proof) =>
      codecs.receipt.encode({ tenant: 'acme', origin: 'o', leafIndex: 1, treeSize: 300, actionId: '', kind: 'genesis', proof }),
    ),
  ),
  codec(
    'Verdict',
    codecs.verdict,
    [null, ...payloads].map((proposal, at) =>
      codecs.verdict.encode({
        ...{ tenant: 'acme', origin: 'o', leafIndex: at, actionId: 'ä', kind: 'action.decided', verdict: 'DENY', proposal },
        ...{ reasons: Array.from({ length: at }, (_, reason) => `DENY_${reason}`), receipt: receipts[at] ?? hash },
      }),
    ),
  ),
  codec(
    'TreeHead',
    codecs.treeHead,
    notes.map((checkpoint, at) =>
      codecs.treeHead.encode({
        ...{ tenant: 'acme', origin: 'o', size: at, checkpoint, previous: hash, lane: 1, successor: at % 2 ? 'p' : null },
        rangeHashes: Array.from({ length: at % 4 }, () => hash),
      }),
    ),
  ),
  codec('NotaryPosition', codecs.notaryPosition, [
    ...[null, hash].map((sealer) =>
      codecs.notaryPosition.encode({
        ...{ lane: 1, nextSeq: 2 ** 40, ledgerOffset: 2 ** 51, inputKeysOffset: 0, signature: new Uint8Array(64), sealer },
      }),
    ),
  ]),
  codec('DeadLetter', codecs.deadLetter, [
    codecs.deadLetter.encode({ origin: 'o', leafIndex: 0, topic: 'actions', partition: 1, offset: 9, code: 'REFUSED_SIZE', bytes: hash }),
  ]),
  codec('SnapshotManifest', codecs.snapshotManifest, [
    codecs.snapshotManifest.encode({
      ...{ lane: 0, laneSeq: 12, ledgerOffset: 14, inputKeysOffset: 3, recordHash: hash, chunks: 1, sha256: hash },
      ...{ stateVersion: 1, slot: 1, signature: new Uint8Array(64) },
    }),
  ]),
  codec('SnapshotChunk', codecs.snapshotChunk, [codecs.snapshotChunk.encode({ lane: 0, slot: 1, chunk: 0, bytes: state })]),
  codec('LaneClock', codecs.laneClock, [codecs.laneClock.encode({ lane: 1, wallMs: 2 ** 41, decidedAtMs: 0 })]),
  {
    name: 'entry',
    valid: entries,
    parse: (bytes) => canonicalBytes(parseStatement(bytes).statement),
    errors: [EntryError, CanonicalJsonError],
  },
  {
    name: 'record of the ledger',
    valid: [...batches.values()].filter(({ record }) => record.batchCount === 1).map(({ record }) => wire.encodeRecord(record)),
    hostile: golden.ledger,
    parse: (bytes) => {
      new SealedBatches(structuredClone(batches.get(seqOf(bytes))?.heads ?? emptyLane(golden.birth, 0).heads), wire).push(bytes);
      return undefined;
    },
    errors: [LedgerBroken],
  },
  {
    name: 'record of the ledger, sealed by the decider',
    valid: [...batches.values()].filter(({ record }) => record.batchCount === 1).map(({ record }) => wire.encodeRecord(record)),
    hostile: golden.ledger,
    parse: (bytes) => {
      const record = recordIn(bytes);
      if (record) pushRecord(record, true);
      return undefined;
    },
    errors: [LedgerBroken],
  },
  {
    name: 'entry of a record, sealed by the decider',
    valid: [decided.record.entry],
    hostile: entries,
    parse: (entry) => {
      pushRecord({ ...decided.record, entry }, true);
      return entry;
    },
    errors: [LedgerBroken],
  },
  {
    name: 'payload of every kind',
    valid: payloads,
    hostile: proposals,
    parse: (bytes) => {
      const json = jsonOf(bytes, 32);
      if (json !== undefined) for (const kind of kinds) parsePayload(kind, json);
      return undefined;
    },
    errors: [],
  },
  {
    name: 'input of the decider, on every topic',
    valid: inputValues,
    hostile: [new Uint8Array(0), ...payloads],
    parse: (value) => {
      for (const topic of INPUT_TOPICS) {
        const { next: offset } = lane.state.positions[topic];
        lane.decide({ kind: 'record', topic, offset, value, inputKey: key });
      }
      return undefined;
    },
    errors: [],
  },
  {
    name: 'payload that an admitted key signed',
    valid: payloads,
    hostile: [bundleBytes],
    parse: (payload) => {
      for (const [at, envelope] of envelopes.entries()) {
        // Each kind once, and under the key of the party that may send it.
        if (envelopes.findIndex(({ payloadType }) => payloadType === envelope.payloadType) !== at) continue;
        const topic = envelope.payloadType.includes('action.proposed') ? 'actions' : 'controls';
        const value = codecs.signedEnvelope.encode(signedAgain(envelope.payloadType, payload));
        lane.decide({ kind: 'record', topic, offset: lane.state.positions[topic].next, value, inputKey: key });
      }
      return undefined;
    },
    errors: [],
  },
  {
    name: 'bundle',
    valid: [bundleBytes],
    hostile: [utf8(`{"windows":${'['.repeat(80)}${']'.repeat(80)}}`)],
    parse: (bytes) => {
      const json = jsonOf(bytes, 1000);
      if (json !== undefined) parseBundle(json);
      return undefined;
    },
    errors: [BundleError],
  },
  {
    name: 'state of a snapshot',
    valid: [state],
    parse: (bytes) => {
      decodeState(bytes, lane.birth, 0);
      return undefined;
    },
    errors: [Error], // its only caller takes every error for "read on from genesis"
  },
  { name: 'sealed input', valid: [sealInput(payloads[0] ?? hash, key)], parse: openedAgain, errors: [InputError] },
  {
    name: 'ledger.json',
    valid: [utf8(formatConfig(config))],
    parse: (bytes) => {
      parseConfig(bytes);
      return undefined;
    },
    errors: [Error], // Home says which file it was
  },
  {
    name: 'guard file',
    valid: [utf8(''), utf8(guardLines.join(''))],
    hostile: [utf8(guardLines.join('').replace('ab', 'cd'))],
    parse: (bytes) => {
      writeFileSync(join(guardFolder, 'lane-0'), bytes);
      GuardFile.open(guardFolder, 0).close();
      return undefined;
    },
    errors: [GuardError],
  },
  {
    name: "a gateway's answer, as its caller reads it",
    valid: answers,
    hostile: [null, [], 3].flatMap((odd) =>
      [odd, { ...escalated, settlement: odd, permit: odd }].map((answer) => utf8(JSON.stringify(answer))),
    ),
    parse: (bytes) => {
      const answer = membersOf(jsonOf(bytes, 32));
      if (answer) parseAnswer(answer, 'x');
      return undefined;
    },
    errors: [Unavailable],
  },
  {
    name: 'body of POST /v1/actions',
    valid: proposals,
    hostile: payloads,
    parse: (bytes) => {
      parseProposal(parseBody(bytes));
      return undefined;
    },
    errors: [Problem],
  },
];

function recordIn(bytes: Uint8Array): LedgerRecord | undefined {
  try {
    return wire.decodeRecord(bytes);
  } catch {
    return undefined;
  }
}

function seqOf(bytes: Uint8Array): number {
  return recordIn(bytes)?.laneSeq ?? -1;
}

function openedAgain(bytes: Uint8Array): undefined {
  openInput(bytes, key);
  return undefined;
}

function signedAgain(payloadType: string, payload: Uint8Array): (typeof envelopes)[number] {
  const original = envelopes.find((envelope) => envelope.payloadType === payloadType);
  const seeds = lane.parties;
  const json = readable(payload);
  const tenant = typeof json['tenant'] === 'string' ? json['tenant'] : (original?.tenant ?? '');
  const issuer = typeof json['issuer'] === 'string' ? json['issuer'] : 'admin';
  const seed = seeds.seedOf(seeds.signerOf(issuer, tenant));
  const keyid = typeof json['keyid'] === 'string' ? json['keyid'] : (original?.keyid ?? '');
  return { payloadType, payload, keyid, tenant, lane: 0, signature: ed25519Sign(seed, pae(payloadType, payload)) };
}

function readable(payload: Uint8Array): Readonly<Record<string, Json | undefined>> {
  try {
    const json = parseCanonical(payload, { maxDepth: 32 });
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? json : {};
  } catch {
    return {};
  }
}

fuzz('what comes over Kafka and HTTP, or from the disk', TARGETS);
