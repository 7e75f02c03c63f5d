import type { Command } from 'commander';

import { CedarEngine, checkBundleInChild, codecs, kafkaLaneLog, readToEnd } from '#adapters';
import { entryName, type Bundle, canonicalBytes } from '#domain';

import { Context } from '../context.ts';
import { CliError, INVALID, VALID } from '../errors.ts';
import { group } from '../group.ts';
import { nameOf, readBundle } from '../policy.ts';
import { differences, linesOf } from '../policy-diff.ts';
import { followLedger } from '../story.ts';
import { DecisionReader, type WhatIf, whatIf } from '../what-if.ts';

/** Each is held in memory with its sealed proposal, and judged twice. */
const LAST_MAX = 100_000;

export function register(program: Command): void {
  group(program, 'policy', 'policy bundles: check, test, activate, compare them')
    .command('diff')
    .description('what differs between two bundles, rule by rule, and in what the ledger decided last: exit code 0 nothing, 1 something')
    .argument('<before>', 'folder or document')
    .argument('<after>', 'folder or document')
    .option('--last <n>', 'decide the last n decisions of the ledger under both, and show those that differ')
    .action(async (before: string, after: string, { last }: { last?: string }, command: Command) => {
      process.exitCode = await diff(new Context(command), [readBundle(before), readBundle(after)], last);
    });
}

async function diff(context: Context, [before, after]: readonly [Bundle, Bundle], last: string | undefined): Promise<number> {
  const found = differences(before, after);
  const decided = last === undefined ? undefined : await decidedUnder(context, before, after, countOf(last));
  const head = found.length === 0 ? `The same bundle: ${nameOf(before)}` : `${nameOf(before)} -> ${nameOf(after)}`;
  const lines = [head, ...found.flatMap(linesOf), ...(decided ? textOf(decided) : [])];
  context.print(lines.join('\n'), {
    before: before.digest,
    after: after.digest,
    differences: found,
    ...(decided && { decisions: decided }),
  });
  return found.length === 0 && (decided?.changed.length ?? 0) === 0 ? VALID : INVALID;
}

interface Decided {
  readonly looked: number;
  /** Erased, or expired. */
  readonly gone: number;
  readonly changed: readonly WhatIf[];
}

async function decidedUnder(context: Context, before: Bundle, after: Bundle, max: number): Promise<Decided> {
  for (const bundle of [before, after]) {
    const [refusal] = await checkBundleInChild(canonicalBytes(bundle.document));
    if (refusal !== undefined) throw new CliError(`${nameOf(bundle)} decides nothing: ${refusal}`, INVALID);
  }
  const reader = new DecisionReader(max);
  await followLedger(context, undefined, (entry) => {
    reader.add(entry);
  });
  const keys = await inputKeys(
    context,
    new Set(reader.decisions.map(({ statement: { predicate } }) => entryName(predicate.origin, predicate.index))),
  );
  const engine = new CedarEngine();
  const told = reader.decisions.map((entry) => {
    const { origin, index } = entry.statement.predicate;
    return whatIf(entry, keys.get(entryName(origin, index)), reader, { before, after, engine });
  });
  const seen = told.filter((each) => each !== undefined);
  return { looked: told.length, gone: told.length - seen.length, changed: seen.filter((each) => each.before !== each.after) };
}

/** Those of the decisions that are looked at. */
async function inputKeys(context: Context, wanted: ReadonlySet<string>): Promise<Map<string, Uint8Array>> {
  const { home, brokers } = context;
  const reader = await kafkaLaneLog({ brokers, clientId: 'countersign-diff' }).openReader();
  const keys = new Map<string, Uint8Array>();
  try {
    for (let lane = 0; lane < home.config.lanes; lane++) {
      const place = { topic: home.topic('input-keys'), partition: lane };
      const { signal } = new AbortController();
      await readToEnd(
        reader,
        place,
        ({ key, value }) => {
          const name = key?.toString() ?? '';
          if (!wanted.has(name)) return;
          if (value === null) keys.delete(name);
          else keys.set(name, codecs.inputKey.decode(value).key);
        },
        signal,
      );
    }
  } finally {
    await reader.close();
  }
  return keys;
}

function textOf({ looked, gone, changed }: Decided): string[] {
  const lines = changed.map(({ tenant, index, action, before, after }) => `! ${tenant} ${index} ${action}: ${before} -> ${after}`);
  const lost = gone === 0 ? '' : `, ${gone} could not be: their proposals are erased or expired`;
  return [...lines, `${looked} decisions looked at, ${changed.length} would change${lost}`];
}

function countOf(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= LAST_MAX) return count;
  throw new CliError(`--last: expected 1 to ${LAST_MAX}, got ${text}`);
}
