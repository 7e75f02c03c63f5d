/** Looks at everything that can be wrong with an installation, and says of each what it is and what to do. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import type { Command } from 'commander';

import {
  checkLedger,
  checkLedgerTopics,
  codecs,
  LaneReader,
  laneTimeAfter,
  LedgerFollower,
  readClocks,
  readGuard,
  repositoryRoot,
} from '#adapters';
import { LedgerBroken } from '#domain';

import { blockedTopics } from '../blocked.ts';
import { clockFault } from '../lane-clocks.ts';
import { Context } from '../context.ts';
import { guardFault } from '../guard-ahead.ts';
import { COULD_NOT_TELL, explain, INVALID, isUnanswered, VALID } from '../errors.ts';
import { toStdout } from '../terminal.ts';

interface Finding {
  readonly check: string;
  readonly ok: boolean;
  readonly detail: string;
  /** Nothing is known to be wrong, and not everything could be looked at: with `ok` false, nothing of it. */
  readonly isUnknown?: boolean;
}

export function register(program: Command): void {
  program
    .command('doctor')
    .description(
      'configuration, keys, broker, topics, every lane from genesis, the notary: exit code 1 if anything is wrong, 2 if not all could be told',
    )
    .action(async (_options: unknown, command: Command) => {
      process.exitCode = await doctor(new Context(command));
    });
}

async function doctor(context: Context): Promise<number> {
  const findings: Finding[] = [];
  const add = (...found: Finding[]): void => {
    findings.push(...found);
    if (!context.json)
      for (const { check, ok, isUnknown, detail } of found)
        toStdout(`${(ok ? 'ok' : isUnknown ? 'UNKNOWN' : 'WRONG').padEnd(7)} ${check.padEnd(16)} ${detail}`);
  };
  add(versions());
  add(attempt('configuration', () => `${context.home.config.name}, ${context.home.config.lanes} lanes, ${context.home.folder}`));
  if (findings.every(({ ok }) => ok)) {
    add(...keyFiles(context.home.folder));
    const broker = attempt('broker known', () => context.brokers.join(','));
    add(broker);
    if (broker.ok) add(...(await topics(context)));
    if (broker.ok) add(...(await blocked(context)));
    if (broker.ok) for (let lane = 0; lane < context.home.config.lanes; lane++) add(...(await laneFindings(context, lane)));
    if (findings.every(({ ok }) => ok)) add(...(await invariants(context)));
  }
  const good = findings.every(({ ok }) => ok);
  if (context.json) context.print('', { ok: good, findings });
  return exitCodeOf(findings);
}

export function exitCodeOf(findings: readonly Pick<Finding, 'ok' | 'isUnknown'>[]): number {
  if (findings.some(({ ok, isUnknown }) => !ok && isUnknown !== true)) return INVALID;
  return findings.some(({ isUnknown }) => isUnknown) ? COULD_NOT_TELL : VALID;
}

/** Wrong, unless only nobody answered. */
const failed = (check: string, error: unknown): Finding => ({
  ...{ check, ok: false, detail: explain(error) },
  ...(isUnanswered(error) ? { isUnknown: true } : {}),
});

function versions(): Finding {
  const { version } = JSON.parse(readFileSync(join(repositoryRoot(), 'package.json'), 'utf8')) as { version: string };
  return {
    check: 'versions',
    ok: process.versions.node.startsWith('24.'),
    detail: `countersign ${version}, Node ${process.versions.node}, ${process.platform} ${process.arch}`,
  };
}

/** Secrets are their owner's only. */
export function keyFiles(folder: string): Finding[] {
  return ['keys', 'tokens'].flatMap((name) => {
    const path = join(folder, name);
    const all = list(path);
    // A process that was killed while it wrote one leaves it; what it holds may be a secret all the same.
    const leftover = all.filter((file) => file.endsWith('.tmp')).length;
    const files = all.filter((file) => !file.endsWith('.tmp'));
    if (all.length === 0) return name === 'keys' ? [{ check: 'keys', ok: true, detail: 'none here: signing happens elsewhere' }] : [];
    const exposed = [path, ...all.map((file) => join(path, file))].filter((file) => (statSync(file).mode & 0o077) !== 0);
    const detail =
      exposed.length === 0
        ? `${files.length} files, for their owner only${leftover === 0 ? '' : `; ${leftover} unfinished *.tmp beside them, of no use: remove them`}`
        : `others can read ${exposed.join(', ')}: chmod go= them, and think of drawing new keys`;
    return [{ check: name, ok: exposed.length === 0, detail }];
  });
}

async function topics(context: Context): Promise<Finding[]> {
  try {
    const faults = await checkLedgerTopics(context.home, context.brokers);
    if (faults.length === 0) return [{ check: 'topics', ok: true, detail: 'all there, as they must be set' }];
    return faults.map(({ text }) => ({ check: 'topics', ok: false, detail: text }));
  } catch (error) {
    return [failed('topics', error)];
  }
}

/** Whatever keeps readers from the end of a topic. */
async function blocked(context: Context): Promise<Finding[]> {
  try {
    return (await blockedTopics(context)).map(({ lane, isInput, text }) => ({
      check: `${isInput ? 'input' : 'output'} ${lane}`,
      ok: false,
      detail: text,
    }));
  } catch (error) {
    return [failed('readable ends', error)];
  }
}

/** The lane from genesis; then how far behind the notary is. */
async function laneFindings(context: Context, lane: number): Promise<Finding[]> {
  const check = `lane ${lane}`;
  let entries = 0;
  let laneMs = 0;
  try {
    // Before the ledger is read: what was attested by then is on it, or lost.
    const attested = await notaryPosition(context, lane);
    const guarded = readGuard(join(context.home.folder, 'guard'), lane);
    let ahead: string | undefined;
    const follower = await LedgerFollower.open(context.home, context.brokers, [lane]);
    try {
      await follower.catchUp((entry) => {
        entries += 1;
        laneMs = laneTimeAfter(laneMs, entry);
      }, context.progress(check));
      const heads = follower.heads(lane);
      ahead = guarded && heads && guardFault(guarded, heads);
    } finally {
      await follower.close();
    }
    if (entries === 0) return [{ check, ok: false, detail: 'no entry yet: is a decider running (npm start)?' }];
    if (attested !== undefined && attested > entries) {
      const what = `TAIL_LOST: ${attested} entries were attested, and the ledger holds ${entries}`;
      return [{ check, ok: false, detail: `${what}: countersign recover --lane ${lane}, docs/runbooks/tail-lost.md` }];
    }
    if (ahead !== undefined) return [{ check, ok: false, detail: ahead }];
    return [
      { check, ok: true, detail: `${entries} entries, every link, root and seal right` },
      await clockFinding(context, lane, laneMs),
      await notaryFinding(context, lane, entries),
    ];
  } catch (error) {
    if (!(error instanceof LedgerBroken)) return [failed(check, error)];
    const what = `${error.code}: ${error.message}. No decider of this ledger wrote it there, and nothing of it or after it is attested.`;
    return [{ check, ok: false, detail: `${what} The way out: countersign recover --lane ${lane}, docs/runbooks/foreign-record.md` }];
  }
}

/** A lane whose clocks disagree stands still, and so does one whose time lies ahead. */
async function clockFinding(context: Context, lane: number, laneMs: number): Promise<Finding> {
  const check = `clock ${lane}`;
  try {
    const fault = clockFault(await readClocks(context.home, context.brokers, { lane, laneMs }), Date.now());
    return { check, ok: fault === undefined, detail: fault ?? `the lane's time, the broker's, the decider's and this host's agree` };
  } catch (error) {
    return failed(check, error);
  }
}

/** The one checker: everything from genesis, and every decision made again. */
async function invariants(context: Context): Promise<Finding[]> {
  const onProgress = (line: string): void => {
    context.note(line);
  };
  let checked: Awaited<ReturnType<typeof checkLedger>>;
  try {
    checked = await checkLedger(context.home, context.brokers, { onProgress });
  } catch (error) {
    return [failed('ledger', error)];
  }
  const { status, invariants: results, entries } = checked;
  const wrong = results.filter((result) => result.status === 'violated');
  if (wrong.length === 0)
    return [
      {
        check: 'ledger',
        ok: true,
        isUnknown: status === 'unknown',
        detail: `${entries} entries, ${status}: countersign verify ledger says more`,
      },
    ];
  return wrong.map(({ id, text, notes }) => ({ check: `ledger ${id}`, ok: false, detail: `${text}: ${notes[0] ?? 'violated'}` }));
}

async function notaryFinding(context: Context, lane: number, entries: number): Promise<Finding> {
  const check = `notary ${lane}`;
  try {
    const nextSeq = await notaryPosition(context, lane);
    if (nextSeq === undefined) return { check, ok: false, detail: 'has signed nothing yet: is a notary running (npm start)?' };
    const behind = entries - nextSeq;
    // What was committed while we read is no lag.
    return {
      check,
      ok: behind <= 0,
      detail: behind <= 0 ? 'has attested everything' : `is ${behind} entries behind: look at the notary's log`,
    };
  } catch (error) {
    return failed(check, error);
  }
}

async function notaryPosition(context: Context, lane: number): Promise<number | undefined> {
  const topic = context.home.topic('checkpoints');
  const reader = await LaneReader.open({ brokers: context.brokers, clientId: 'countersign-doctor' });
  let last: number | undefined;
  try {
    const [ends] = await reader.endOffsets([{ topic, partition: lane }]);
    for (let offset = ends?.start ?? 0n; ends && offset < ends.lastStable;) {
      const [fetched] = await reader.fetch([{ topic, partition: lane, offset }]);
      if (fetched?.error) throw fetched.error;
      for (const { key, value } of fetched?.records ?? []) {
        if (value && key?.toString() === `_position.${lane}`) last = codecs.notaryPosition.decode(value).nextSeq;
      }
      offset = fetched?.nextOffset ?? ends.lastStable;
    }
    return last;
  } finally {
    await reader.close();
  }
}

function attempt(check: string, detail: () => string): Finding {
  try {
    return { check, ok: true, detail: detail() };
  } catch (error) {
    return failed(check, error);
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
