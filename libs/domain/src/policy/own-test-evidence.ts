/** Evidence in one word: sound for exactly the proposal, or wrong in the one way that the word names. */
import { ed25519PublicKey, sha256 } from '#crypto';

import { base64url, utf8 } from '../formats/bytes.ts';
import { keyIdOf } from '../formats/keys.ts';
import { formatTime } from '../formats/time.ts';
import type { IssuerType } from '../payloads/kinds.ts';
import { EVIDENCE_AGE_SECONDS_MAX } from './class-rule.ts';
import { type EvidenceKey, type EvidenceKeyOf, signStatement, type StatementType } from './evidence.ts';
import { atPointer, own } from './pointer.ts';
import { PARTY_OF, type Statement } from './statements.ts';
import type { Bundle, Evidence, Proposal } from './types.ts';

const OTHER = { type: 'other', id: 'other' };
interface Wrong {
  readonly change?: Readonly<Record<string, unknown>>;
  /** Unit ms from now. */
  readonly expiresIn?: number;
  /** Unit ms before now. */
  readonly issuedAgo?: number;
  /** Who signs instead. */
  readonly signer?: string;
}

/** Of every type; a review or a delegation can be wrong in a way of its own as well. */
const WRONG: Readonly<Record<string, Wrong>> = {
  expired: { expiresIn: -1 },
  'too-old': { issuedAgo: EVIDENCE_AGE_SECONDS_MAX * 1000 },
  'other-action': { change: { actionDigest: '0'.repeat(64) } },
  'other-resource': { change: { resource: OTHER } },
  'other-ledger': { change: { birth: 'f'.repeat(64) } },
  'other-tenant': { change: { tenant: 'other' } },
  unregistered: { signer: 'nobody' },
  'by-platform': { signer: 'platform' },
};
const BOUND: Readonly<Record<string, Wrong>> = {
  ...WRONG,
  'other-operation': { change: { operation: 'other' } },
  'other-artifact': { change: { artifactDigest: 'sha256:other' } },
};
/** `back`: a CI's word for the way back that the parameters name. */
type Kind = StatementType | 'back';
const WAYS: Readonly<Record<Kind, Readonly<Record<string, Wrong>>>> = {
  ci: BOUND,
  back: BOUND,
  review: { ...BOUND, 'by-actor': { change: { reviewer: 'agent' } } },
  delegation: {
    ...WRONG,
    'other-operation': { change: { operation: 'other' } },
    'other-actor': { change: { actor: { kind: 'agent', id: 'other' } } },
  },
  incident: WRONG,
};
const KINDS = Object.keys(WAYS) as Kind[];
const TYPES = KINDS.filter((kind) => kind !== 'back');

export const EVIDENCE_WORDS: readonly string[] = KINDS.flatMap((kind) => [kind, ...Object.keys(WAYS[kind]).map((way) => `${kind}-${way}`)]);

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

/** What a CI or a reviewer found in the artifact. */
export type Found = Readonly<Record<string, string | number | boolean>>;

/** Unit ms. */
export const EXPIRES_IN_MS = 600_000;

export function evidenceFor(word: string, bundle: Bundle, proposal: Proposal, nowMs: number, facts?: Found): Evidence {
  const kind = KINDS.find((each) => word === each || word.startsWith(`${each}-`)) ?? 'ci';
  const type = kind === 'back' ? 'ci' : kind;
  const { change = {}, expiresIn = EXPIRES_IN_MS, issuedAgo = 1000, signer = type } = WAYS[kind][word.slice(kind.length + 1)] ?? {};
  const times = { issuedAt: formatTime(nowMs - issuedAgo), expiresAt: formatTime(nowMs + expiresIn) };
  const isFound = facts !== undefined && (type === 'ci' || type === 'review');
  const blind = base64url(sha256(utf8(`${proposal.tenant} ${proposal.id} ${word}`)));
  const counted =
    bundle.tables.format === 1
      ? {}
      : { blind, ...(proposal.birth === undefined ? {} : { birth: proposal.birth }), ...(isFound ? { facts } : {}) };
  return signStatement({ ...soundStatement(kind, bundle, proposal), ...times, ...counted, ...change } as Statement, seedOf(signer));
}

function soundStatement(kind: Kind, { tables }: Bundle, proposal: Proposal) {
  const { tenant, resource, operation, connector = '', parameters, actor } = proposal;
  const called = own(own(tables.contracts, connector)?.operations ?? {}, operation);
  const at = (pointer: string | undefined) => (pointer === undefined ? undefined : atPointer(parameters, pointer));
  const artifact = at(called?.artifact);
  if (kind === 'back') {
    const path = at(called?.rollbackPath) as { readonly operation?: string; readonly reference?: string } | undefined;
    const way = { operation: path?.operation ?? 'none', artifactDigest: path?.reference ?? 'none' };
    return { tenant, type: 'ci', resource, ...way, conclusion: 'success' };
  }
  const bound = { tenant, type: kind, resource, operation, artifactDigest: typeof artifact === 'string' ? artifact : 'none' };
  if (kind === 'ci') return { ...bound, conclusion: 'success' };
  if (kind === 'review') return { ...bound, conclusion: 'approved', reviewer: 'reviewer' };
  if (kind === 'incident') return { tenant, type: kind, resource, incident: 'incident-1' };
  const { kind: actorKind, id, actingFor = 'nobody' } = actor;
  return { tenant, type: kind, resource, operation, actor: { kind: actorKind, id }, chain: [actingFor, id] };
}
