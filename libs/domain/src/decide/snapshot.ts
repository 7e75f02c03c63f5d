import { base64, concat, fromBase64, fromUtf8, u32be, utf8 } from '../formats/bytes.ts';
import { parseBundle } from '../policy/bundle.ts';
import type { Json } from '../formats/canonical-json.ts';
import type { Token } from './sender.ts';
import { awaitEffect, openEscalation } from './due.ts';
import type { OpenEffect, OpenEscalation } from './open.ts';
import { keyIdOf } from '../formats/keys.ts';
import { decodeTree, type EncodedTree, encodeTree } from '../ledger/encoded-tree.ts';
import type { Freeze } from './freeze.ts';
import { ID_ROW_BYTES } from './id-table.ts';
import { count } from './effects.ts';
import { IdBook } from './ids.ts';
import { type EncodedOwner, LaneIds } from './memory/lane-ids.ts';
import { type EncodedLimits, LimitBook } from './limits.ts';
import { type EncodedUsed, UsedBook } from './used.ts';
import {
  emptyLane,
  emptyTenant,
  type InputPosition,
  type Issuer,
  type LaneState,
  type LedgerBirth,
  type LedgerKey,
  type TenantFacts,
} from './state.ts';

/** Raised whenever the shape below changes: an older snapshot is then ignored and the lane is read from genesis. */
export const STATE_VERSION = 5;

/** One lane's state as bytes: the length of a text, u32; the text, which is a header and a line for each tenant, in JSON; each tenant's ids. */
export function encodeState(state: LaneState): Uint8Array {
  const { heads } = state;
  const laneIds = state.ids.encode();
  const header = {
    nextSeq: heads.nextSeq,
    floor: state.floorMs,
    positions: Object.entries(state.positions).map(([topic, { epoch, next }]) => [topic, epoch, String(next)]),
    bundle: state.bundle?.document ?? null,
    due: state.due.open,
    freezes: [...state.freezes.values()],
    owners: laneIds.owners,
    laneIds: state.ids.size,
    keys: encodeKeys(state),
    closed: [...heads.closed.values()].map((tree) => ({ ...encodeTree(tree), successor: tree.successor })),
  };
  const tenants = [...heads.trees.values()].map((tree) => {
    const facts = state.tenants.get(tree.tenant) ?? emptyTenant();
    return { ...encodeTree(tree), ...encodeTenant(facts) };
  });
  const text = utf8([header, ...tenants].map((line) => JSON.stringify(line)).join('\n'));
  const ids = [...heads.trees.keys()].flatMap((tenant) => {
    const facts = state.tenants.get(tenant);
    return facts ? [facts.ids.encode(), facts.claims.encode()] : [];
  });
  return concat(u32be(text.length), text, ...ids, laneIds.rows);
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
    const encoded = JSON.parse(line) as EncodedTenant;
    const [idsEnd, end] = [at + encoded.ids * ID_ROW_BYTES, at + (encoded.ids + encoded.claims) * ID_ROW_BYTES];
    decodeTenant(state, encoded, { ids: bytes.subarray(at, idsEnd), claims: bytes.subarray(idsEnd, end) });
    at = end;
  }
  const laneIdsEnd = at + header.laneIds * ID_ROW_BYTES;
  state.ids = LaneIds.decode({ owners: header.owners, rows: bytes.subarray(at, laneIdsEnd) });
  at = laneIdsEnd;
  if (at !== bytes.length) throw new Error(`state: ${bytes.length} bytes, ${at} described`);
  for (const open of header.due) openEscalation(state.due, open);
  for (const freeze of header.freezes) state.freezes.set(freeze.id, freeze);
  decodeKeys(state, header.keys);
  for (const tree of header.closed) state.heads.closed.set(tree.origin, { ...decodeTree(tree), successor: tree.successor });
  return state;
}

interface EncodedHeader {
  readonly nextSeq: number;
  readonly floor: number;
  readonly positions: readonly (readonly [keyof LaneState['positions'], number, string])[];
  readonly bundle: Json;
  readonly due: readonly OpenEscalation[];
  readonly freezes: readonly Freeze[];
  /** Of the lane's ids, by number. */
  readonly owners: readonly EncodedOwner[];
  /** How many. */
  readonly laneIds: number;
  readonly keys: EncodedKeys;
  readonly closed: readonly (EncodedTree & { readonly successor: string })[];
}
type EncodedTenant = EncodedTree & EncodedFacts;
/** As public keys in base64: those of the ledger's roles, and every keyid that ever was one. */
interface EncodedKeys {
  readonly admin: string;
  readonly gateway: string;
  readonly recovery: string | null;
  readonly sealers: readonly string[];
  readonly ever: readonly string[];
}
/** keyid → base64. */
type EncodedIssuer = Omit<Issuer, 'keys' | 'revokedKeys'> & {
  readonly keys: readonly (readonly [string, string])[];
  readonly revokedKeys: readonly string[];
};
interface EncodedFacts {
  readonly last: number;
  readonly issuers: readonly EncodedIssuer[];
  readonly tokens: readonly Token[];
  /** How many. */
  readonly ids: number;
  readonly claims: number;
  readonly floors: readonly (readonly [string, number])[];
  readonly effects: readonly OpenEffect[];
  readonly openByActor: readonly (readonly [string, number])[];
  readonly limits: EncodedLimits;
  readonly used: EncodedUsed;
}
const encodeTenant = (facts: TenantFacts): EncodedFacts => ({
  last: facts.lastDecidedAtMs,
  issuers: [...facts.issuers.values()].map(({ keys, revokedKeys, ...issuer }) => ({
    ...issuer,
    keys: [...keys].map(([keyid, key]) => [keyid, base64(key)] as const),
    revokedKeys: [...revokedKeys],
  })),
  tokens: [...facts.tokens.values()],
  ids: facts.ids.size,
  claims: facts.claims.size,
  effects: [...facts.effects.values()].sort((a, b) => a.index - b.index),
  openByActor: [...facts.openByActor],
  floors: [...facts.floors],
  limits: facts.limits.encode(),
  used: facts.used.encode(),
});

function decodeTenant(state: LaneState, encoded: EncodedTenant, books: { readonly ids: Uint8Array; readonly claims: Uint8Array }): void {
  const facts = emptyTenant();
  facts.lastDecidedAtMs = encoded.last;
  state.lastDecidedAtMs = Math.max(state.lastDecidedAtMs, encoded.last);
  for (const { keys, revokedKeys, ...issuer } of encoded.issuers) {
    const byId = new Map(keys.map(([keyid, key]) => [keyid, fromBase64(key)]));
    facts.issuers.set(issuer.id, { ...issuer, keys: byId, revokedKeys: new Set(revokedKeys) });
  }
  for (const token of encoded.tokens) facts.tokens.set(token.id, token);
  for (const [actor, open] of encoded.openByActor) facts.openByActor.set(actor, open);
  for (const [issuer, floorMs] of encoded.floors) facts.floors.set(issuer, floorMs);
  facts.limits = LimitBook.decode(encoded.limits);
  facts.used = UsedBook.decode(encoded.used);
  facts.ids = IdBook.decode(books.ids);
  facts.claims = IdBook.decode(books.claims);
  for (const effect of encoded.effects) {
    facts.effects.set(effect.index, effect);
    count(state, effect, 1);
    if (!effect.uncertain) awaitEffect(state.due, effect);
  }
  state.idCount += facts.ids.size;
  state.tenants.set(encoded.tenant, facts);
  state.heads.trees.set(encoded.tenant, decodeTree(encoded));
}

const encodeKeys = ({ admin, gateway, recovery, heads, ledgerKeys }: LaneState): EncodedKeys => ({
  admin: base64(admin.publicKey),
  gateway: base64(gateway.publicKey),
  recovery: recovery ? base64(recovery.publicKey) : null,
  sealers: heads.sealers.map(base64),
  ever: [...ledgerKeys],
});

function decodeKeys(state: LaneState, { admin, gateway, recovery, sealers, ever }: EncodedKeys): void {
  state.admin = keyFrom(admin);
  state.gateway = keyFrom(gateway);
  state.recovery = recovery === null ? undefined : keyFrom(recovery);
  state.heads.sealers = sealers.map(fromBase64);
  for (const keyid of ever) state.ledgerKeys.add(keyid);
}

function keyFrom(text: string): LedgerKey {
  const publicKey = fromBase64(text);
  return { keyid: keyIdOf(publicKey), publicKey };
}
