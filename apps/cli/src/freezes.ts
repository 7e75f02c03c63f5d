/** What the ledger says of freezes, lane by lane. */
import { type FollowedEntry, wire } from '#adapters';
import { type FreezeLevel, type FreezeScope, type Json, NESTING_MAX, parseCanonical, parseTime } from '#domain';

export interface ListedFreeze {
  readonly freeze: string;
  readonly level: FreezeLevel;
  readonly scope: FreezeScope;
  readonly by: string;
  readonly why: string;
  readonly raisedAt: string;
  readonly until?: string;
  readonly liftedBy?: string;
  /** Where it was raised, and where it was lifted. */
  readonly lanes: readonly number[];
  readonly liftedOn: readonly number[];
}

export class FreezeList {
  readonly #freezes = new Map<string, ListedFreeze>();

  /** Each lane's entries in their order; the lanes in any. */
  add({ record, statement: { predicate }, kind, lane }: FollowedEntry): void {
    if (!record.tenant.startsWith('_')) return; // the tenants' trees say the same again
    const members = predicate as unknown as Readonly<Record<string, string | undefined>>;
    if (kind === 'freeze.raised') {
      const { freeze = '', by = '', until } = members;
      const told = { freeze, level: members['level'] as FreezeLevel, scope: predicate['scope'] as unknown as FreezeScope, by };
      const first = { ...told, why: whyOf(record.input), raisedAt: predicate.decidedAt, ...(until === undefined ? {} : { until }) };
      const known = this.#freezes.get(freeze) ?? { ...first, lanes: [], liftedOn: [] };
      this.#freezes.set(freeze, { ...known, lanes: [...known.lanes, lane] });
    } else if (kind === 'freeze.lifted') {
      const known = this.#freezes.get(members['lifts'] ?? '');
      if (known) this.#freezes.set(known.freeze, { ...known, liftedOn: [...known.liftedOn, lane], liftedBy: members['by'] ?? '' });
    }
  }

  /** In the order in which they were raised. */
  get all(): ListedFreeze[] {
    return [...this.#freezes.values()].sort((a, b) => a.raisedAt.localeCompare(b.raisedAt));
  }
}

/** Lanes where it stands in the way at `nowMs`, in their order. */
export function lanesInForce({ lanes, liftedOn, until }: ListedFreeze, nowMs: number): number[] {
  if (until !== undefined && nowMs >= parseTime(until)) return [];
  return lanes.filter((lane) => !liftedOn.includes(lane)).sort((a, b) => a - b);
}

export const scopeText = ({ kind, value }: FreezeScope): string => (value === undefined ? kind : `${kind}:${value}`);

/** For people: not in the entry, but in the control that it was made from. */
function whyOf(input: Uint8Array): string {
  const envelope = wire.decodeEnvelope(input);
  if (!envelope) return '';
  const { why } = parseCanonical(envelope.payload, { maxDepth: NESTING_MAX }) as Record<string, Json>;
  return typeof why === 'string' ? why : '';
}
