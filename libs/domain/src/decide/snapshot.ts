import { base64, concat, fromBase64, fromHex, fromUtf8, hex, u32be, utf8 } from '../formats/bytes.ts';
import { parseBundle } from '../policy/bundle.ts';
import type { Json } from '../formats/canonical-json.ts';
import { awaitEffect, openEscalation } from './due.ts';
import type { OpenEffect, OpenEscalation } from './open.ts';
import type { Freeze } from './freeze.ts';
import { ID_ROW_BYTES } from './id-table.ts';
import { IdBook } from './ids.ts';
import { type EncodedLimits, LimitBook } from './limits.ts';
import { emptyLane, emptyTenant, type InputPosition, type Issuer, type LaneState, type LedgerBirth, type TenantFacts } from './state.ts';

/** Raised whenever the shape below changes: an older snapshot is then ignored and the lane is read from genesis. */
export const STATE_VERSION = 5;

/** One lane's state as bytes: the length of a text, u32; the text, which is a header and a line for each tenant, in JSON; each tenant's ids. */
export function encodeState(state: LaneState): Uint8Array {
  const { heads } = state;
  const header = {
    nextSeq: heads.nextSeq,
    floor: state.floorMs,
    positions: Object.entries(state.positions).map(([topic, { epoch, next }]) => [topic, epoch, String(next)]),
    bundle: state.bundle?.document ?? null,
    due: state.due.open,
    freezes: [...state.freezes.values()],
  };
  const tenants = [...heads.trees.values()].map(({ tenant, origin, vkey, range, previous }) => {
    const facts = state.tenants.get(tenant) ?? emptyTenant();
    return { tenant, origin, vkey, size: range.size, peaks: range.hashes.map(hex), previous, ...encodeTenant(facts) };
  });
  const text = utf8([header, ...tenants].map((line) => JSON.stringify(line)).join('\n'));
  const ids = [...heads.trees.keys()].flatMap((tenant) => {
    const facts = state.tenants.get(tenant);
    return facts ? [facts.ids.encode(), facts.claims.encode()] : [];
  });
  return concat(u32be(text.length), text, ...ids);
}

/** Throws on anything it did not write itself; the caller then starts from genesis. */
export function decodeState(bytes: Uint8Array, birth: LedgerBirth, lane: number): LaneState {
  if (bytes.length < 4) throw new Error('state: too short');
  const textEnd = 4 + new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(0);
  const [headerLine, ...lines] = fromUtf8(bytes.subarray(4, textEnd)).split('\n');
  const header = JSON.parse(headerLine ?? '') as EncodedHeader;
  const state = emptyLane(birth, lane);
  state.heads.nextSeq = header.nextSeq;
  state.floorMs = header.floor;
  for (const [topic, epoch, next] of header.positions) state.positions[topic] = { epoch, next: BigInt(next) } satisfies InputPosition;
  state.bundle = header.bundle === null ? null : parseBundle(header.bundle);
  let at = textEnd;
  for (const line of lines) {
    const encoded = JSON.parse(line) as EncodedTree;
    const [idsEnd, end] = [at + encoded.ids * ID_ROW_BYTES, at + (encoded.ids + encoded.claims) * ID_ROW_BYTES];
    decodeTenant(state, encoded, { ids: bytes.subarray(at, idsEnd), claims: bytes.subarray(idsEnd, end) });
    at = end;
  }
  if (at !== bytes.length) throw new Error(`state: ${bytes.length} bytes, ${at} described`);
  for (const open of header.due) openEscalation(state.due, open);
  for (const freeze of header.freezes) state.freezes.set(freeze.id, freeze);
  return state;
}

interface EncodedHeader {
  readonly nextSeq: number;
  readonly floor: number;
  readonly positions: readonly (readonly [keyof LaneState['positions'], number, string])[];
  readonly bundle: Json;
  readonly due: readonly OpenEscalation[];
  readonly freezes: readonly Freeze[];
}
interface EncodedFacts {
  readonly last: number;
  readonly issuers: readonly (readonly [
    id: string,
    type: Issuer['type'],
    revoked: boolean,
    agents: readonly string[] | null,
    keys: [string, string][],
    revokedKeys: readonly string[],
  ])[];
  readonly tokens: readonly (readonly [string, boolean])[];
  /** How many. */
  readonly ids: number;
  readonly claims: number;
  readonly effects: readonly OpenEffect[];
  readonly openByActor: readonly (readonly [string, number])[];
  readonly limits: EncodedLimits;
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
  issuers: [...facts.issuers.values()].map(({ id, type, revoked, agents, keys, revokedKeys }) => [
    id,
    type,
    revoked,
    agents ?? null,
    [...keys].map(([keyid, key]): [string, string] => [keyid, base64(key)]),
    [...revokedKeys],
  ]),
  tokens: [...facts.tokens],
  ids: facts.ids.size,
  claims: facts.claims.size,
  effects: [...facts.effects.values()].sort((a, b) => a.index - b.index),
  openByActor: [...facts.openByActor],
  limits: facts.limits.encode(),
});

function decodeTenant(state: LaneState, encoded: EncodedTree, books: { readonly ids: Uint8Array; readonly claims: Uint8Array }): void {
  const facts = emptyTenant();
  facts.lastDecidedAtMs = encoded.last;
  state.lastDecidedAtMs = Math.max(state.lastDecidedAtMs, encoded.last);
  for (const [id, type, revoked, agents, keys, revokedKeys] of encoded.issuers) {
    const byId = new Map(keys.map(([keyid, key]) => [keyid, fromBase64(key)]));
    facts.issuers.set(id, { id, type, revoked, agents: agents ?? undefined, keys: byId, revokedKeys: new Set(revokedKeys) });
  }
  for (const [token, revoked] of encoded.tokens) facts.tokens.set(token, revoked);
  for (const [actor, count] of encoded.openByActor) facts.openByActor.set(actor, count);
  facts.limits = LimitBook.decode(encoded.limits);
  facts.ids = IdBook.decode(books.ids);
  facts.claims = IdBook.decode(books.claims);
  for (const effect of encoded.effects) {
    facts.effects.set(effect.index, effect);
    if (!effect.uncertain) awaitEffect(state.due, effect);
  }
  state.idCount += facts.ids.size;
  state.tenants.set(encoded.tenant, facts);
  const range = { size: encoded.size, hashes: encoded.peaks.map(fromHex) };
  const { tenant, origin, vkey, previous } = encoded;
  state.heads.trees.set(tenant, { tenant, origin, vkey, range, previous });
}
