import { parseCanonical, type Json } from '../formats/canonical-json.ts';
import type { EntryKind } from '../ledger/entry.ts';
import type { WireCodec } from '../ledger/record.ts';
import { requestDigest } from '../payloads/digests.ts';
import { NESTING_MAX } from '../payloads/kinds.ts';
import { parsePayload } from '../payloads/parse.ts';
import { parseBundle } from '../policy/bundle.ts';
import type { Proposal } from '../policy/types.ts';
import { sharedAsker } from './credentials.ts';
import { countFacts } from './limits.ts';
import type { LaneState } from './state.ts';
import { REQUEST_DIGEST_BYTES, type InputFacts } from './types.ts';

/**
 * What a replay takes from an entry's input: the same facts that `decide` handed to `evolve`. `value` is the exact Kafka value, or
 * undefined when its key was destroyed or the entry holds none. `state`: before the entry.
 */
export function replayFacts(
  kind: EntryKind,
  value: Uint8Array | undefined,
  wire: Pick<WireCodec, 'decodeEnvelope'>,
  state: Pick<LaneState, 'rules' | 'bundle' | 'tenants'>,
): InputFacts {
  if (value === undefined || (kind !== 'action.decided' && kind !== 'bundle.activated')) return {};
  const envelope = wire.decodeEnvelope(value);
  if (!envelope) throw new Error(`${kind}: its input is not an envelope`);
  const payload = parseCanonical(envelope.payload, { maxDepth: NESTING_MAX }) as Record<string, Json>;
  if (kind === 'bundle.activated') return { bundle: parseBundle(payload['bundle'] ?? null) };
  const actor = payload['actor'] as { readonly actingFor?: Json } | undefined;
  const actingFor = typeof actor?.actingFor === 'string' ? { actingFor: actor.actingFor } : {};
  return {
    ...actingFor,
    ...countedBy(payload, state),
    requestDigest: requestDigest(payload, state.rules).subarray(0, REQUEST_DIGEST_BYTES),
  };
}

function countedBy(
  payload: Record<string, Json>,
  { rules, bundle, tenants }: Pick<LaneState, 'rules' | 'bundle' | 'tenants'>,
): Pick<InputFacts, 'counts'> {
  if (bundle?.tables.limits === undefined) return {};
  const parsed = parsePayload('action.proposed', payload, rules);
  if (!parsed.ok) return {};
  const { tenant, issuer, actor } = parsed.value;
  const facts = tenants.get(tenant);
  const asker = (): string | undefined => (facts ? sharedAsker({ facts, issuer, payload }, actor) : undefined);
  return countFacts(bundle, parsed.value as unknown as Proposal, asker);
}
