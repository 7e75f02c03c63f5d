/** A day of one lane's memory in simulated time: every action claimed and settled, at a steady rate. No signatures, no policy, no broker. */
import { ASKED_WITHIN_MS, emptyLane, emptyTenant, encodeState, hasRoom, type LedgerBirth, type LaneState } from '#domain';

export interface DayOptions {
  readonly birth: LedgerBirth;
  readonly tenants: number;
  /** Actions a second, each proposed, claimed and settled. */
  readonly rate: number;
  readonly hours: number;
  readonly say: (line: string) => void;
}
export interface DayFigures {
  readonly tenants: number;
  readonly rate: number;
  readonly hours: number;
  readonly actions: number;
  /** What the lane had no room for. */
  readonly refused: number;
  readonly idsMax: number;
  /** Unit MiB, of the whole process, at the end of the first hour and of the last. */
  readonly rssFirstHour: number;
  readonly rssLastHour: number;
  /** Unit MiB. */
  readonly snapshot: number;
  /** Unit ms. */
  readonly snapshotEncoding: number;
  /** Unit µs of one core, of memory alone. */
  readonly perAction: number;
}

/** Unit ms: what an effect takes, from its claim to its report. */
const EFFECT_MS = 10_000;
/** As a class has it that says nothing else: docs/policy.md. */
const EXECUTE_WITHIN_MS = 900_000;
/** As the SDK's executor signs its claims. */
const CLAIM_LIFETIME_MS = 300_000;
const START_MS = Date.UTC(2026, 10, 25);
const HOUR_MS = 3_600_000;
const MIB = 1024 * 1024;

export function day({ birth, tenants, rate, hours, say }: DayOptions): DayFigures {
  const state = emptyLane(birth, 0);
  const names = Array.from({ length: tenants }, (_, at) => `tenant-${at}`);
  for (const tenant of names) state.tenants.set(tenant, withParties());
  const startedMs = performance.now();
  const figures = { actions: 0, refused: 0, idsMax: 0, rssFirstHour: 0, rssLastHour: 0 };
  const underWay: { readonly tenant: string; readonly untilMs: number }[] = [];
  let settled = 0;
  for (let second = 0; second < hours * 3600; second++) {
    const nowMs = START_MS + second * 1000;
    state.ids.sweep(nowMs);
    for (let at = 0; at < rate; at++) {
      const tenant = names[figures.actions % tenants] ?? '';
      if (!act(state, tenant, figures.actions++, nowMs)) figures.refused += 1;
      else {
        state.effectCounts.add(tenant, 'executor', 1);
        underWay.push({ tenant, untilMs: nowMs + EFFECT_MS });
      }
    }
    for (let first = underWay[settled]; first && first.untilMs <= nowMs; first = underWay[++settled]) {
      state.effectCounts.add(first.tenant, 'executor', -1);
    }
    if (settled > 1_000_000) {
      underWay.splice(0, settled);
      settled = 0;
    }
    figures.idsMax = Math.max(figures.idsMax, state.ids.size);
    if ((nowMs - START_MS + 1000) % HOUR_MS === 0) {
      const hour = (nowMs - START_MS + 1000) / HOUR_MS;
      const rss = Math.round(process.memoryUsage().rss / MIB);
      if (hour === 1) figures.rssFirstHour = rss;
      figures.rssLastHour = rss;
      say(`${tenants} tenants, hour ${hour}: ${state.ids.size} ids, ${rss} MiB, ${figures.refused} refused`);
    }
  }
  const perAction = ((performance.now() - startedMs) * 1000) / figures.actions;
  const encodingMs = performance.now();
  const snapshot = encodeState(state).length / MIB;
  return { tenants, rate, hours, ...figures, snapshot, snapshotEncoding: performance.now() - encodingMs, perAction };
}

function withParties() {
  const tenant = emptyTenant();
  for (const [id, type] of [
    ['platform', 'platform'],
    ['executor', 'executor'],
  ] as const) {
    tenant.issuers.set(id, { id, type, keys: new Map(), revoked: false } as unknown as NonNullable<ReturnType<typeof tenant.issuers.get>>);
  }
  return tenant;
}

/** What deciding and evolving do to the memory for one action that is allowed, claimed and reported. */
function act(state: LaneState, tenant: string, number: number, nowMs: number): boolean {
  const proposed = { tenant, issuer: 'platform', id: `action-${number}` };
  const claim = { tenant, issuer: 'executor', id: `claim-${number}` };
  if (state.ids.find(proposed, nowMs) || !hasRoom(state, proposed, nowMs)) return false;
  state.ids.remember(proposed, { index: number, digest: DIGEST, untilMs: nowMs + ASKED_WITHIN_MS, open: false });
  state.ids.permit(proposed, DIGEST, nowMs + EXECUTE_WITHIN_MS);
  if (state.ids.find(claim, nowMs) || !hasRoom(state, claim, nowMs)) return false;
  if (state.ids.find(proposed, nowMs)?.claimed !== false) return false;
  state.ids.claim(proposed);
  state.ids.remember(claim, { index: number, digest: null, untilMs: nowMs + CLAIM_LIFETIME_MS, open: false });
  return true;
}

const DIGEST = new Uint8Array(16).fill(7);

export const dayReport = (all: readonly DayFigures[]): string =>
  [
    'one lane, every action proposed, claimed and settled, simulated time',
    ...all.map(
      (day) =>
        `${day.tenants} tenants, ${day.rate}/s for ${day.hours} h: ${day.actions} actions, ${day.refused} refused, at most ${day.idsMax} ids; ` +
        `process ${day.rssFirstHour} MiB after an hour, ${day.rssLastHour} MiB at the end; snapshot ${day.snapshot.toFixed(0)} MiB in ` +
        `${day.snapshotEncoding.toFixed(0)} ms; ${day.perAction.toFixed(1)} µs an action`,
    ),
    '',
  ].join('\n');
