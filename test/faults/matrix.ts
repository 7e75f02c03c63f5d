/** docs/faults.md: what was tried, and which invariants held, from the lines that the fault tests wrote down. */
import { type InvariantId, INVARIANTS, type InvariantStatus } from '#domain';

import type { Area, TrialRecord } from './trial.ts';

export interface FaultRun {
  /** Of the day it ended. */
  readonly date: string;
  readonly seed: number;
  /** How often each fault was tried. */
  readonly kills: number;
  readonly minutes: number;
  readonly kafka: string;
  readonly node: string;
  readonly cores: number;
  /** Names of the tests that failed. */
  readonly failed: readonly string[];
}

const AREAS: Readonly<Record<Area, string>> = {
  decider: 'The decider is killed',
  notary: 'The notary is killed',
  gateway: 'The gateway is killed',
  broker: 'The broker is killed',
  network: 'The network breaks',
  owners: 'Who owns a lane',
  executors: 'Who runs an effect',
  clocks: 'A clock is wrong',
  ledger: 'The topics are tampered with',
};
/** I8 and I9 are about views, which are not built. */
const SHOWN = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I10', 'I11'] as const satisfies InvariantId[];
const SIGNS: Readonly<Record<InvariantStatus, string>> = { holds: '✓', violated: '✗', unknown: '?', 'not-applicable': '–' };
/** What says most, first. */
const WORST_FIRST: readonly InvariantStatus[] = ['violated', 'unknown', 'holds', 'not-applicable'];

export function formatMatrix(records: readonly TrialRecord[], run: FaultRun): string {
  const rows = mergeRows(records);
  const sum = (of: (row: TrialRecord) => number): number => rows.reduce((total, row) => total + of(row), 0);
  return [
    '# Faults',
    `What the system was put through, and what held: written by \`npm run test:faults\`, never by hand. On ${run.date}: ${rows.length} faults, tried ${sum(({ tries }) => tries)} times, ${sum(({ kills }) => kills)} kills with SIGKILL; the one checker read a ledger from genesis ${records.length} times. Seed ${run.seed}, ${run.kills} tries per fault, ${run.minutes} minutes; Apache Kafka ${run.kafka}, Node ${run.node}, ${run.cores} cores.`,
    run.failed.length === 0 ? 'Every test passed.' : `**Failed:**\n\n${run.failed.map((name) => `- ${name}`).join('\n')}`,
    `To do the same again: \`npm run test:faults -- --seed ${run.seed} --kills ${run.kills}\`. The seed replays every choice of ours (moments, contents, which passing of a point); what the machine does in between is its own. \`--only decider\` runs the faults whose name has that word, and prints the matrix instead of writing it. \`npm test\` runs the same files in a short form.`,
    'All of it is under load: callers propose, wait for the receipt, and propose again, also bytes that are no proposal, ids used before and unknown classes. Afterwards everything is read from genesis: the invariants below; each acknowledged input has exactly one receipt, and each proposal one verdict; a notary that has never heard of the receipts makes them again, byte for byte; and no service has raised an alarm. A transaction that a killed owner left open is looked for in every topic it wrote to: it must be there as a whole, or not at all. "Taken over" is from the death of an owner until its successor owns its first lane, the start of a new process included.',
    '| | invariant |\n| - | - |\n' + SHOWN.map((id) => `| ${id} | ${INVARIANTS[id]} |`).join('\n'),
    '✓ holds · ✗ violated · ? could not be told · – not checked there · found: the fault itself breaks it, and the checker says so; the services halt with an alarm, and attest nothing of it',
    ...(Object.keys(AREAS) as Area[]).flatMap((area) =>
      section(
        AREAS[area],
        rows.filter((row) => row.area === area),
      ),
    ),
  ].join('\n\n');
}

function section(title: string, rows: readonly TrialRecord[]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  const head = ['fault', 'tried', 'kills', ...SHOWN, 'what was seen'];
  return [`## ${title}`, [line(head), line(head.map(() => '-')), ...rows.map((row) => line(cellsOf(row)))].join('\n')];
}

function cellsOf({ fault, tries, kills, invariants, breaksLedger, seen, takeOversMs }: TrialRecord): (string | number)[] {
  const sign = (status: InvariantStatus): string => (breaksLedger && status === 'violated' ? 'found' : SIGNS[status]);
  const notes = Object.entries(seen).map(([what, times]) => `${times} × ${what}`);
  if (takeOversMs.length > 0) notes.push(`taken over after ${seconds(median(takeOversMs))} (at most ${seconds(Math.max(...takeOversMs))})`);
  return [fault, tries, kills, ...SHOWN.map((id) => sign(invariants[id] ?? 'not-applicable')), notes.join('; ')];
}

/** One row a fault, however often it was written down. */
function mergeRows(records: readonly TrialRecord[]): TrialRecord[] {
  const rows = new Map<string, TrialRecord>();
  for (const record of records) {
    const name = `${record.area} ${record.fault}`;
    const row = rows.get(name);
    rows.set(name, row ? merged(row, record) : record);
  }
  return [...rows.values()];
}

function merged(a: TrialRecord, b: TrialRecord): TrialRecord {
  const seen = { ...a.seen };
  for (const [what, times] of Object.entries(b.seen)) seen[what] = (seen[what] ?? 0) + times;
  const worst = (id: InvariantId): InvariantStatus =>
    WORST_FIRST.find((status) => a.invariants[id] === status || b.invariants[id] === status) ?? 'not-applicable';
  return {
    ...b,
    ...{ tries: a.tries + b.tries, kills: a.kills + b.kills, seen, takeOversMs: [...a.takeOversMs, ...b.takeOversMs] },
    invariants: Object.fromEntries(SHOWN.map((id) => [id, worst(id)])),
  };
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
