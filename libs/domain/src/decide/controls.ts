import { base64 } from '../formats/bytes.ts';
import { keyIdOf } from '../formats/keys.ts';
import { originOf } from '../formats/log-key.ts';
import { laneOf } from '../formats/lane.ts';
import { isIdentifier } from '../formats/ids.ts';
import { formatTime, parseTime } from '../formats/time.ts';
import type { Entry, EntryKind, InputTopic } from '../ledger/entry.ts';
import { allTrees, newTree, systemTree } from '../ledger/heads.ts';
import { parseBundle } from '../policy/bundle.ts';
import { twice } from '../policy/twice.ts';
import { NOT_JUDGED } from '../policy/types.ts';
import type { Json } from '../formats/canonical-json.ts';
import type { KeyOffer } from '../payloads/key-offer.ts';
import type { PayloadKind } from '../payloads/kinds.ts';
import { parsePayload } from '../payloads/parse.ts';
import type { CheckedEnvelope } from './envelope-check.ts';
import { settlementOf, voteFault } from './approvals.ts';
import { after, draft, recordSource, treeOf, type EntryContent, type RecordInput } from './draft.ts';
import { isAhead, laneNow } from './lane-time.ts';
import { cancelledBy } from './erase.ts';
import { type FreezeScope, liftable, type NewFreeze, refusalOfRaise } from './freeze.ts';
import { findEscalation } from './due.ts';
import { idKey } from './ids.ts';
import { addKey, keyFault, revokeKey } from './issuer-keys.ts';
import { rotateKey } from './ledger-keys.ts';
import { isVkeyOf, type NamedLog, rotateLog, successorOf } from './log-rotation.ts';
import { pick } from './members.ts';
import { memoryOf, staleOf } from './memory/records.ts';
import { reachOfIssuer, reachOfKey, reachOfToken } from './revoke.ts';
import type { LaneState } from './state.ts';
import { LaneHalted, type DecideContext, type Decided, type InputFacts } from './types.ts';
import { text } from '../ledger/text.ts';

/** Trees of one lane share each ledger-wide control's batch: 2,000 entries of 2 KiB stay under 8 MiB. */
export const TENANTS_PER_LANE_MAX = 2000;
/** Looked up per record; a tenant with more parties than this is several tenants. Under rules 1 those that are over count too. */
export const ISSUERS_PER_TENANT_MAX = 1000;
export const TOKENS_PER_TENANT_MAX = 10_000;
/** With those that were revoked: a revoked key never counts again, so it is known for ever, some 200 bytes each. */
export const ISSUERS_EVER_PER_TENANT_MAX = 10 * ISSUERS_PER_TENANT_MAX;
/** With those that were revoked: each is known until its end, and no longer than a day, some 300 bytes. */
export const TOKENS_KNOWN_PER_TENANT_MAX = 2 * TOKENS_PER_TENANT_MAX;
/** A control is decided within a day of its making, so that its id can be forgotten. */
const EXPIRY_AHEAD_MAX_MS = 24 * 60 * 60 * 1000;

/** `detail` of a bundle that was refused unjudged. A replay cannot find this out by itself: it depends on what waited behind it. */
export const NOT_JUDGED_DETAIL = 'bundle-not-judged';

type Body = Readonly<Record<string, Json>>;
/** What an accepted control puts into its first tree, and into others. */
interface Accepted {
  readonly kind: EntryKind;
  readonly members: Readonly<Record<string, unknown>>;
  readonly facts?: InputFacts;
  /** Set when it concerns an action. */
  readonly actionId?: string;
  /** What comes before it in its own tree. */
  readonly first?: readonly EntryContent[];
  /** Parts that come after it, in its own tree. */
  readonly then?: readonly EntryContent[];
  /** Further parts, one per tree. */
  readonly also?: readonly { readonly tree: ReturnType<typeof newTree>; readonly content: EntryContent }[];
}
interface Step {
  readonly state: LaneState;
  readonly context: DecideContext;
  readonly checked: CheckedEnvelope;
  readonly body: Body;
}

/** A control by the admin: its fact goes onto the ledger, or a refusal that says why in one word. */
export function decideControl(state: LaneState, input: RecordInput, context: DecideContext, checked: CheckedEnvelope): Decided {
  if (state.heads.nextSeq === 0) return initialise(state, input, context, checked);
  const refused = staleness(state, checked, laneNow(state, context.nowMs));
  if (refused !== undefined) return refuse(state, input, context, checked, refused);
  const parsed = parsePayload(checked.kind, checked.payload, state.rules);
  if (!parsed.ok) return refuse(state, input, context, checked, parsed.detail);
  if (checked.kind === 'log.rotated') return decideRotation(state, input, context, checked, parsed.value as Body);
  const accepted = RULES_OF[checked.kind]({ state, context, checked, body: parsed.value as Body });
  return typeof accepted === 'string' ? refuse(state, input, context, checked, accepted) : accept(state, input, context, checked, accepted);
}

/** A copy replayed later must not undo what came after it, so ids of controls are remembered like those of actions. */
export function staleness(state: LaneState, checked: CheckedEnvelope, nowMs: number): string | undefined {
  return state.rules === 1 ? stalenessRules1(checked, nowMs) : staleOf(state, checked, nowMs);
}

function stalenessRules1({ payload, facts, issuer }: CheckedEnvelope, nowMs: number): string | undefined {
  const { id, expiresAt } = payload;
  if (typeof id !== 'string' || !isIdentifier(id) || typeof expiresAt !== 'string') return 'head';
  let expiresAtMs: number;
  try {
    expiresAtMs = parseTime(expiresAt);
  } catch {
    return 'head';
  }
  if (nowMs >= expiresAtMs) return 'expired';
  if (expiresAtMs > nowMs + EXPIRY_AHEAD_MAX_MS) return 'expires-too-late';
  return facts.ids.firstOf(idKey(issuer, id), nowMs) ? 'repeated' : undefined;
}

const RULES_OF: Readonly<Record<PayloadKind, (step: Step) => Accepted | string>> = {
  'action.proposed': () => 'payload-type',
  'claim.requested': () => 'payload-type',
  'outcome.reported': () => 'payload-type',
  'ledger.initialised': () => 'repeated',
  'log.rotated': () => 'payload-type',
  'tenant.registered': registerTenant,
  'issuer.registered': registerIssuer,
  'issuer.revoked': ({ state, checked, body }) => {
    const issuer = checked.facts.issuers.get(text(body['revokes']));
    if (!issuer || issuer.revoked) return 'unknown-issuer';
    const then = state.rules === 1 ? [] : reachOfIssuer(state, checked, issuer.id);
    return { kind: 'issuer.revoked', members: { issuer: issuer.id }, then };
  },
  'key.added': ({ state, checked, body }) =>
    addKey(state, checked.facts, text(body['holder']), body['adds'] as { keyid: string; publicKey: string }),
  'key.revoked': ({ state, checked, body }) => {
    const [holder, keyid] = [text(body['holder']), text(body['revokes'])];
    const change = revokeKey(checked.facts, holder, keyid);
    return typeof change === 'string' ? change : { ...change, then: reachOfKey(state, checked, holder, keyid) };
  },
  'token.issued': ({ state, context, checked, body }) => {
    const { tokens } = checked.facts;
    const id = text(body['token']);
    if (state.rules === 1) {
      if (tokens.has(id)) return 'exists';
      if (tokens.size >= TOKENS_PER_TENANT_MAX) return 'limit';
    } else {
      // The entry's own evolve forgets what is past its end: nothing that such a token asked for is open, nor becomes a permit.
      const known = [...tokens.values()].filter(({ validUntilMs }) => laneNow(state, context.nowMs) < validUntilMs);
      if (known.some((token) => token.id === id)) return 'exists';
      const valid = known.filter(({ revoked }) => !revoked);
      if (valid.length >= TOKENS_PER_TENANT_MAX || known.length >= TOKENS_KNOWN_PER_TENANT_MAX) return 'limit';
    }
    return { kind: 'token.issued', members: pick(body, ['token', 'tokenHash', 'roles', 'agents', 'actors', 'validUntil']) };
  },
  'token.revoked': ({ state, checked, body }) => {
    const token = checked.facts.tokens.get(text(body['revokes']));
    if (!token || token.revoked) return 'unknown-token';
    return { kind: 'token.revoked', members: { token: token.id }, then: state.rules === 1 ? [] : reachOfToken(state, checked, token.id) };
  },
  'key.rotated': ({ state, checked, body }) => {
    const rotation = rotateKey(state, body as unknown as KeyOffer, checked.issuer);
    return typeof rotation === 'string' ? rotation : { ...rotation, also: inTrees(state, checked, rotation) };
  },
  'bundle.activated': activateBundle,
  'effect.closed': ({ checked, body }) => {
    const effect = checked.facts.effects.get(Number(body['decision']));
    if (effect?.uncertain !== true) return 'not-uncertain'; // what is awaited may still be reported
    const members = { decision: body['decision'], claim: effect.claim, executor: effect.executor, by: body['by'] };
    return { kind: 'effect.closed', members, actionId: effect.actionId };
  },
  'freeze.raised': raiseFreeze,
  'freeze.lifted': liftFreeze,
  'approval.recorded': ({ state, context, checked, body }) => {
    const { by, vote } = { by: text(body['by']), vote: text(body['vote']) };
    const open = findEscalation(state.due, checked.tree, Number(body['decision']));
    const fault = voteFault(open, { by, bindingDigest: text(body['bindingDigest']) });
    if (!open || fault !== undefined) return fault ?? 'not-open';
    const nowMs = laneNow(state, context.nowMs);
    const settlement = settlementOf(state, checked.facts, open, { by, vote, nowMs, payloadDigest: checked.payloadDigest });
    const members = { ...pick(body, ['decision', 'bindingDigest', 'vote']), by };
    return { kind: 'approval.recorded', actionId: open.actionId, members, then: settlement ? [settlement] : [] };
  },
  'input.gap': ({ state, body }) => {
    const topic = body['topic'] as InputTopic;
    if (topic === 'controls') return 'topic'; // kept for ever, and this record is in it: a gap there would skip other controls
    const { epoch, next } = state.positions[topic];
    const isNewEpoch = body['epoch'] === epoch + 1;
    if (body['lane'] !== state.heads.lane || body['from'] !== String(next) || !(isNewEpoch || body['epoch'] === epoch)) return 'stale';
    if (!isNewEpoch && BigInt(text(body['to'])) <= next) return 'stale';
    return { kind: 'input.gap', members: { topic, from: body['from'], to: body['to'], newEpoch: body['epoch'] } };
  },
  'time.corrected': correctTime,
  'input.erased': ({ state, checked, body }) => {
    const [action, indexes, log] = [text(body['action']), body['indexes'] as string[], body['log'] as string | undefined];
    const first = cancelledBy(state, { tenant: checked.tree, action, indexes, payloadDigest: checked.payloadDigest, log });
    if (typeof first === 'string') return first;
    return { kind: 'input.erased', members: { erases: indexes, ...pick(body, ['log']) }, actionId: action, first };
  },
};

/** The birth of the lane: exactly the payload that every service's configuration pins, as the first record. */
function initialise(state: LaneState, input: RecordInput, context: DecideContext, checked: CheckedEnvelope): Decided {
  const { ledger, lane } = state.heads;
  if (checked.kind !== 'ledger.initialised' || checked.payloadDigest !== context.birth.initialisedDigest) {
    throw new LaneHalted('NOT_INITIALISED', `lane ${lane}: the first record on controls is another ledger's birth than the configured one`);
  }
  const parsed = parsePayload('ledger.initialised', checked.payload, state.rules);
  if (!parsed.ok) throw new LaneHalted('NOT_INITIALISED', `lane ${lane}: birth of the ledger is malformed (${parsed.detail})`);
  const body = parsed.value as Body;
  const log = (body['systemLogs'] as Body[]).find((system) => system['lane'] === lane);
  const members = {
    ...{ ledger, lane, lanes: state.lanes, format: 1, vkey: log?.['vkey'] },
    ...{ deciderKeys: [body['deciderKey']], ...pick(body, ['adminKey', 'gatewayKey', 'recoveryKey']) },
    ...bornOf(state),
  };
  return accept(state, input, context, checked, { kind: 'genesis', members });
}

/** So that each tenant's tree says what its records must be bound to. */
const bornOf = ({ rules, birth }: LaneState): object => (rules === 1 ? {} : { birth });

/** Of every tree but the lane's first. */
const genesisOf = (state: LaneState): object => ({
  ...{ ledger: state.heads.ledger, lane: state.heads.lane, lanes: state.lanes, format: 1, deciderKeys: deciderKeysOf(state) },
  ...bornOf(state),
});

function decideRotation(state: LaneState, input: RecordInput, context: DecideContext, checked: CheckedEnvelope, body: Body): Decided {
  const next = successorOf(state, context.birth, body as unknown as NamedLog);
  if (typeof next === 'string') return refuse(state, input, context, checked, next);
  const members = { ...pick(body, ['rotates', 'lane', 'logId', 'vkey']), ...head(checked) };
  return rotateLog(state, next, { input, context, checked, members, genesis: genesisOf(state) as Body });
}

function registerTenant({ state, context, checked, body }: Step): Accepted | string {
  const { ledger, lane } = state.heads;
  const tenant = text(body['registers']);
  const origin = originOf(ledger, text(body['logId']));
  // The lanes know nothing of each other: only a lane that follows from the id keeps a tenant from having two.
  if (body['lane'] !== lane || laneOf(tenant, state.lanes) !== lane) return 'lane';
  if (state.tenants.has(tenant)) return 'exists';
  if (state.tenants.size > TENANTS_PER_LANE_MAX) return 'limit';
  const logs = [...allTrees(state.heads), ...context.birth.systemLogs];
  if (logs.some((log) => log.origin === origin)) return 'log-id-in-use';
  if (!isVkeyOf(text(body['vkey']), origin)) return 'vkey';
  const members = { ...genesisOf(state), vkey: body['vkey'] };
  const genesis: EntryContent = { kind: 'genesis', members, payloadDigest: checked.payloadDigest, inputForm: 'none' };
  return {
    kind: 'tenant.registered',
    members: pick(body, ['registers', 'lane', 'logId', 'vkey']),
    also: [{ tree: newTree(tenant, origin, text(body['vkey'])), content: genesis }],
  };
}

function registerIssuer({ state, checked, body }: Step): Accepted | string {
  const { issuers } = checked.facts;
  const issuer = text(body['registers']);
  if (issuer === 'admin' || issuer === 'gateway' || issuers.has(issuer)) return 'exists';
  const counted = state.rules === 1 ? issuers.size : [...issuers.values()].filter(({ revoked }) => !revoked).length;
  if (counted >= ISSUERS_PER_TENANT_MAX || issuers.size >= ISSUERS_EVER_PER_TENANT_MAX) return 'limit';
  for (const key of body['keys'] as unknown as { keyid: string; publicKey: string }[]) {
    const fault = keyFault(state, checked.facts, key);
    if (fault !== undefined) return fault;
  }
  return { kind: 'issuer.registered', members: { issuer, ...pick(body, ['type', 'keys', 'agents', 'actors']) } };
}

/** In force for every tenant of the lane from this entry on; each tree says so. */
function activateBundle({ state, context, checked, body }: Step): Accepted | string {
  let bundle;
  try {
    bundle = parseBundle(body['bundle'] as Json);
  } catch {
    return 'bundle-shape';
  }
  if (state.rules === 1 && bundle.tables.format !== 1) return 'bundle-shape'; // as before there was another
  if (state.rules >= 2 && bundle.tables.format < 2) return 'bundle-format';
  const refusals = twice(() => context.engine.refusals(bundle));
  // Something urgent waited behind it. To be sent again: its judgement goes on meanwhile.
  if (state.rules >= 2 && refusals.ok && refusals.value.includes(NOT_JUDGED)) return NOT_JUDGED_DETAIL;
  if (!refusals.ok || refusals.value.length > 0) return 'bundle-refused';
  const members = { activated: bundle.digest, bundleName: bundle.document.name };
  const also = inTrees(state, checked, { kind: 'bundle.activated', members });
  return { kind: 'bundle.activated', members, facts: { bundle }, also };
}

/** In force from this entry on, for whatever its scope covers. */
function raiseFreeze({ state, context, checked, body }: Step): Accepted | string {
  const nowMs = laneNow(state, context.nowMs);
  const { level, until } = body as { level: NewFreeze['level']; until?: string };
  const scope = body['scope'] as unknown as FreezeScope;
  const [id, by] = [text(body['id']), text(body['by'])];
  const ofOtherLane = scope.kind === 'tenant' && laneOf(text(scope.value), state.lanes) !== state.heads.lane;
  const knowsTenant = ofOtherLane || state.tenants.has(scope.value ?? '');
  const untilMs = until === undefined ? null : parseTime(until);
  const refused = refusalOfRaise(state, { id, level, scope, by, untilMs }, knowsTenant, nowMs);
  if (refused !== undefined) return refused;
  const members = { freeze: id, level, scope, ...pick(body, ['by', 'until']) };
  return { kind: 'freeze.raised', members, also: inTrees(state, checked, { kind: 'freeze.raised', members }, scope) };
}

function liftFreeze({ state, context, checked, body }: Step): Accepted | string {
  const freeze = liftable(state, text(body['lifts']), text(body['by']), laneNow(state, context.nowMs));
  if (typeof freeze === 'string') return freeze;
  const members = pick(body, ['lifts', 'by']);
  return { kind: 'freeze.lifted', members, also: inTrees(state, checked, { kind: 'freeze.lifted', members }, freeze.scope) };
}

/** Judged and dated by the clock itself, not by the lane's time: that is what it sets back. */
function correctTime({ state, context, checked, body }: Step): Accepted | string {
  const { lastDecidedAtMs, heads } = state;
  if (body['lane'] !== heads.lane || body['laneTime'] !== formatTime(lastDecidedAtMs)) return 'stale';
  if (!isAhead(state, context.nowMs)) return 'not-ahead';
  const members = pick(body, ['lane', 'laneTime']);
  return { kind: 'time.corrected', members, also: inTrees(state, checked, { kind: 'time.corrected', members }) };
}

/** A part for each tenant of the lane, or for the one that `scope` names: what the system tree says, without its input. */
function inTrees(
  { heads }: LaneState,
  { payloadDigest }: CheckedEnvelope,
  { kind, members }: Pick<EntryContent, 'kind' | 'members'>,
  scope?: FreezeScope,
): NonNullable<Accepted['also']> {
  const content: EntryContent = { kind, members, payloadDigest, inputForm: 'none' };
  const system = systemTree(heads.lane);
  const isMeant = (tenant: string): boolean => tenant !== system && (scope?.kind !== 'tenant' || scope.value === tenant);
  return [...heads.trees.values()].filter(({ tenant }) => isMeant(tenant)).map((tree) => ({ tree, content }));
}

/** Parts in the order: what comes first in the control's own tree, the control, what comes after it there, then the other trees as they were registered. */
function accept(state: LaneState, input: RecordInput, context: DecideContext, checked: CheckedEnvelope, accepted: Accepted): Decided {
  const { kind, members, actionId, first = [], then = [], also = [] } = accepted;
  const said = { kind, members: { ...members, ...head(checked) }, payloadDigest: checked.payloadDigest };
  const own: EntryContent = { ...said, inputForm: 'plain', ...(actionId === undefined ? {} : { actionId }) };
  const parts = first.length + 1 + then.length + also.length;
  let tree = treeOf(state, checked.tree);
  const entries = [...first, own, ...then].map((content, part): Entry => {
    const inputForm = part === 0 ? 'plain' : 'none'; // a record's input stands beside its first part
    const entry = draft(state, context, tree, recordSource(state, input, part, parts), { ...content, inputForm });
    tree = after(tree, entry);
    return entry;
  });
  for (const { tree, content } of also) {
    entries.push(draft(state, context, tree, recordSource(state, input, entries.length, parts), content));
  }
  return { entries, facts: accepted.facts ?? {}, deadLetter: false };
}

export function refuse(state: LaneState, input: RecordInput, context: DecideContext, checked: CheckedEnvelope, detail: string): Decided {
  const entry = draft(state, context, treeOf(state, checked.tree), recordSource(state, input), {
    kind: 'input.refused',
    payloadDigest: checked.payloadDigest,
    members: {
      ...{ code: 'REFUSED_BODY', detail, length: input.value?.length ?? 0, issuer: checked.issuer, keyid: checked.envelope.keyid },
      ...(state.rules === 1 ? {} : memoryOf(state, checked, laneNow(state, context.nowMs))),
    },
    inputForm: 'sealed',
  });
  return { entries: [entry], facts: {}, deadLetter: false };
}

/** What evolve needs to remember the control's id. */
const head = ({ payload }: CheckedEnvelope): Body => ({ controlId: payload['id'] ?? null, expiresAt: payload['expiresAt'] ?? null });

/** Those that seal from here on. */
const deciderKeysOf = ({ heads }: LaneState): unknown =>
  heads.sealers.map((publicKey) => ({ keyid: keyIdOf(publicKey), publicKey: base64(publicKey) }));
