/** Valid bytes of every format: the golden ledger's, a lane made in memory, and our published vectors. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { loadBundleFolder } from '#adapters';
import { canonicalBytes, type Json, parseProof, utf8 } from '#domain';
import { MemoryLane, Parties, readGolden } from '#testing';

import { ROOT } from '../cli/run.ts';

/** The one with every kind of entry. */
const GOLDEN = join(ROOT, 'test', 'golden', 'v2');

export const golden = readGolden(GOLDEN);
/** The parties of the golden ledger. */
export const parties = new Parties('golden v2', 1);

export const receipts = golden.receipts.map(({ proof }) => proof);
export const notes = golden.heads.map(({ checkpoint }) => checkpoint);
export const entries = receipts.map((proof) => parseProof(proof).entry ?? utf8('{}'));
export const trustFiles = readdirSync(GOLDEN)
  .filter((name) => name.startsWith('trust-'))
  .map((name) => new Uint8Array(readFileSync(join(GOLDEN, name))));

/** The document of the standard bundle, as its control carries it. */
export const bundleDocument = loadBundleFolder(join(ROOT, 'policies', 'standard')) as unknown as Json;
export const bundleBytes = canonicalBytes(bundleDocument);

/** A lane with every kind of control and some actions behind it. */
export const lane = laneInMemory();
/** What its input topics hold, in the order of the topic. */
export const inputValues = Object.values(lane.inputs).flatMap((values) => values.filter((value) => value !== null));

function laneInMemory(): MemoryLane {
  const made = MemoryLane.ready(['acme', 'globex']);
  const validUntil = '2027-01-01T00:00:00.000Z';
  made.registerIssuer('acme', 'listed', 'platform', { actors: [{ kind: 'agent', id: 'bot', actingFor: ['ana'] }] });
  made.registerIssuer('acme', 'builds', 'ci');
  made.control('token.issued', 'acme', { token: 'token-1', tokenHash: 'ab'.repeat(32), roles: ['propose', 'read'], validUntil });
  made.control('token.revoked', 'acme', { revokes: 'token-1' });
  const freeze = { level: 'stop', scope: { kind: 'agent', value: 'bot-9' }, why: 'a drill', by: 'ana', until: validUntil };
  made.control('freeze.raised', '_system', freeze, { id: 'freeze-1' });
  made.control('freeze.lifted', '_system', { lifts: 'freeze-1', by: 'ben', why: 'over' });
  made.control('issuer.revoked', 'acme', { revokes: 'builds' });
  made.propose('allowed', { justification: 'because', impact: { euros: 3 }, parameters: { ratio: 0.1, face: '😀' } });
  made.propose('waits', { resource: { type: 'thing', id: 'high' } });
  made.propose('elsewhere', { mode: 'shadow' }, { tenant: 'globex' });
  made.control('input.gap', '_system', { topic: 'actions', lane: 0, from: String(made.state.positions.actions.next), to: '100', epoch: 0 });
  return made;
}

/** One member of each request of an operation's vectors, accepted or refused ones. */
export function vectors(op: string, member: string, wanted: 'accepted' | 'refused'): Uint8Array[] {
  const lines = readFileSync(join(ROOT, 'test', 'vectors', `${op}.jsonl`), 'utf8')
    .trimEnd()
    .split('\n');
  return lines
    .map((line) => JSON.parse(line) as { request: Record<string, string>; answer: { ok: boolean } })
    .filter(({ request, answer }) => answer.ok === (wanted === 'accepted') && typeof request[member] === 'string')
    .map(({ request }) =>
      BASE64.has(member) ? new Uint8Array(Buffer.from(request[member] ?? '', 'base64')) : Buffer.from(request[member] ?? ''),
    );
}

const BASE64 = new Set(['input', 'note', 'proof', 'entry', 'payload']);

/** Requests of all operations, a line each. */
export const requests = readdirSync(join(ROOT, 'test', 'vectors')).flatMap((name) =>
  readFileSync(join(ROOT, 'test', 'vectors', name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => utf8(JSON.stringify((JSON.parse(line) as { request: object }).request))),
);
