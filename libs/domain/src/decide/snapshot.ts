import { base64, fromBase64, fromHex, fromUtf8, hex, utf8 } from '../formats/bytes.ts';
import { parseBundle } from '../policy/bundle.ts';
import type { Json } from '../formats/canonical-json.ts';
import { openEscalation, type OpenEscalation } from './due.ts';
import { remember } from './ids.ts';
import { emptyLane, emptyTenant, type InputPosition, type Issuer, type LaneState, type LedgerBirth, type TenantFacts } from './state.ts';

/** Raised whenever the shape below changes: an older snapshot is then ignored and the lane is read from genesis. */
export const STATE_VERSION = 1;

/** One lane's state as bytes. Lines of JSON: a header, then one line a tenant, so that no string outgrows the engine's limit. */
export function encodeState(state: LaneState): Uint8Array {
  const { heads } = state;
  const header = {
    nextSeq: heads.nextSeq,
    positions: Object.entries(state.positions).map(([topic, { epoch, next }]) => [topic, epoch, String(next)]),
    bundle: state.bundle?.document ?? null,
    due: state.due.open,
  };
  const tenants = [...heads.trees.values()].map(({ tenant, origin, vkey, range, previous }) => {
    const facts = state.tenants.get(tenant) ?? emptyTenant();
    return { tenant, origin, vkey, size: range.size, peaks: range.hashes.map(hex), previous, ...encodeTenant(facts) };
  });
  return utf8([header, ...tenants].map((line) => JSON.stringify(line)).join('\n'));
}

/** Throws on anything it did not write itself; the caller then starts from genesis. */
export function decodeState(bytes: Uint8Array, birth: LedgerBirth, lane: number): LaneState {
  const [headerLine, ...lines] = fromUtf8(bytes).split('\n');
  const header = JSON.parse(headerLine ?? '') as EncodedHeader;
  const state = emptyLane(birth, lane);
  state.heads.nextSeq = header.nextSeq;
  for (const [topic, epoch, next] of header.positions) state.positions[topic] = { epoch, next: BigInt(next) } satisfies InputPosition;
  state.bundle = header.bundle === null ? null : parseBundle(header.bundle);
  for (const line of lines) decodeTenant(state, JSON.parse(line) as EncodedTree);
  for (const open of header.due) openEscalation(state.due, open);
  return state;
}

interface EncodedHeader {
  readonly nextSeq: number;
  readonly positions: readonly (readonly [keyof LaneState['positions'], number, string])[];
  readonly bundle: Json;
  readonly due: readonly OpenEscalation[];
}
type EncodedId = readonly [key: string, index: number, digest: string | null, expiresAtMs: number, open: 0 | 1];
interface EncodedFacts {
  readonly last: number;
  readonly issuers: readonly (readonly [
    id: string,
    type: Issuer['type'],
    revoked: boolean,
    agents: readonly string[] | null,
    keys: [string, string][],
  ])[];
  readonly tokens: readonly (readonly [string, boolean])[];
  readonly ids: readonly EncodedId[];
  readonly openByActor: readonly (readonly [string, number])[];
}
interface EncodedTree extends EncodedFacts {
  readonly tenant: string;
  readonly origin: string;
  readonly vkey: string;
  readonly size: number;
  readonly peaks: readonly string[];
  readonly previous: string;
}

const encodeTenant = (facts: TenantFacts): EncodedFacts => ({
  last: facts.lastDecidedAtMs,
  issuers: [...facts.issuers.values()].map(({ id, type, revoked, agents, keys }) => [
    id,
    type,
    revoked,
    agents ?? null,
    [...keys].map(([keyid, key]): [string, string] => [keyid, base64(key)]),
  ]),
  tokens: [...facts.tokens],
  ids: [...facts.ids.known].map(([key, { index, digest, expiresAtMs, open }]) => [
    key,
    index,
    digest && base64(digest),
    expiresAtMs,
    open ? 1 : 0,
  ]),
  openByActor: [...facts.openByActor],
});

function decodeTenant(state: LaneState, encoded: EncodedTree): void {
  const facts = emptyTenant();
  facts.lastDecidedAtMs = encoded.last;
  state.lastDecidedAtMs = Math.max(state.lastDecidedAtMs, encoded.last);
  for (const [id, type, revoked, agents, keys] of encoded.issuers) {
    const byId = new Map(keys.map(([keyid, key]) => [keyid, fromBase64(key)]));
    facts.issuers.set(id, { id, type, revoked, agents: agents ?? undefined, keys: byId });
  }
  for (const [token, revoked] of encoded.tokens) facts.tokens.set(token, revoked);
  for (const [actor, count] of encoded.openByActor) facts.openByActor.set(actor, count);
  for (const [key, index, digest, expiresAtMs, open] of encoded.ids) {
    remember(facts.ids, key, { index, digest: digest === null ? null : fromBase64(digest), expiresAtMs, open: open === 1 });
  }
  state.idCount += encoded.ids.length;
  state.tenants.set(encoded.tenant, facts);
  const range = { size: encoded.size, hashes: encoded.peaks.map(fromHex) };
  const { tenant, origin, vkey, previous } = encoded;
  state.heads.trees.set(tenant, { tenant, origin, vkey, range, previous });
}
