/** Evidence in one word: sound for exactly the proposal, or wrong in the one way that the word names. */
import { ed25519PublicKey, sha256 } from '#crypto';

import { utf8 } from '../formats/bytes.ts';
import { keyIdOf } from '../formats/keys.ts';
import { formatTime } from '../formats/time.ts';
import type { IssuerType } from '../payloads/kinds.ts';
import { type EvidenceKey, type EvidenceKeyOf, signStatement, type StatementType } from './evidence.ts';
import { atPointer, own } from './pointer.ts';
import { PARTY_OF, type Statement } from './statements.ts';
import type { Bundle, Evidence, Proposal } from './types.ts';

const OTHER = { type: 'other', id: 'other' };
interface Wrong {
  readonly change?: Readonly<Record<string, unknown>>;
  /** Unit ms from now. */
  readonly expiresIn?: number;
  /** Who signs instead. */
  readonly signer?: string;
}

/** Of every type; a review or a delegation can be wrong in a way of its own as well. */
const WRONG: Readonly<Record<string, Wrong>> = {
  expired: { expiresIn: -1 },
  'other-resource': { change: { resource: OTHER } },
  'other-tenant': { change: { tenant: 'other' } },
  unregistered: { signer: 'nobody' },
  'by-platform': { signer: 'platform' },
};
const BOUND: Readonly<Record<string, Wrong>> = {
  ...WRONG,
  'other-operation': { change: { operation: 'other' } },
  'other-artifact': { change: { artifactDigest: 'sha256:other' } },
};
const WAYS: Readonly<Record<StatementType, Readonly<Record<string, Wrong>>>> = {
  ci: BOUND,
  review: { ...BOUND, 'by-actor': { change: { reviewer: 'agent' } } },
  delegation: {
    ...WRONG,
    'other-operation': { change: { operation: 'other' } },
    'other-actor': { change: { actor: { kind: 'agent', id: 'other' } } },
  },
  incident: WRONG,
};
const TYPES = Object.keys(WAYS) as StatementType[];

export const EVIDENCE_WORDS: readonly string[] = TYPES.flatMap((type) => [type, ...Object.keys(WAYS[type]).map((way) => `${type}-${way}`)]);

const seedOf = (party: string): Uint8Array => sha256(utf8(`countersign policy test ${party}`));

/** Signs the proposals of tests. */
export const TEST_PLATFORM_SEED = seedOf('platform');

/** Each type's party, and the platform that proposes. */
export const TEST_PARTIES: readonly (EvidenceKey & { readonly type: IssuerType })[] = [
  ...TYPES.map((type) => ({ issuer: type, type: PARTY_OF[type], publicKey: ed25519PublicKey(seedOf(type)) })),
  { issuer: 'platform', type: 'platform', publicKey: ed25519PublicKey(seedOf('platform')) },
];
export const testEvidenceKey: EvidenceKeyOf = (() => {
  const known = new Map(TEST_PARTIES.map((party) => [keyIdOf(party.publicKey), party]));
  return (keyid) => known.get(keyid);
})();

export function evidenceFor(word: string, bundle: Bundle, proposal: Proposal, nowMs: number): Evidence {
  const type = TYPES.find((each) => word === each || word.startsWith(`${each}-`)) ?? 'ci';
  const { change = {}, expiresIn = 60_000, signer = type } = WAYS[type][word.slice(type.length + 1)] ?? {};
  const times = { issuedAt: formatTime(nowMs - 1000), expiresAt: formatTime(nowMs + expiresIn) };
  return signStatement({ ...soundStatement(type, bundle, proposal), ...times, ...change } as Statement, seedOf(signer));
}

function soundStatement(type: StatementType, { tables }: Bundle, proposal: Proposal) {
  const { tenant, resource, operation, connector = '', parameters, actor } = proposal;
  const called = own(own(tables.contracts, connector)?.operations ?? {}, operation);
  const artifact = called?.artifact === undefined ? undefined : atPointer(parameters, called.artifact);
  const bound = { tenant, type, resource, operation, artifactDigest: typeof artifact === 'string' ? artifact : 'none' };
  if (type === 'ci') return { ...bound, conclusion: 'success' };
  if (type === 'review') return { ...bound, conclusion: 'approved', reviewer: 'reviewer' };
  if (type === 'incident') return { tenant, type, resource, incident: 'incident-1' };
  const { kind, id, actingFor = 'nobody' } = actor;
  return { tenant, type, resource, operation, actor: { kind, id }, chain: [actingFor, id] };
}
