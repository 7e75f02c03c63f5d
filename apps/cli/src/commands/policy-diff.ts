import type { Command } from 'commander';

import { Context } from '../context.ts';
import { INVALID, VALID } from '../errors.ts';
import { group } from '../group.ts';
import { nameOf, readBundle } from '../policy.ts';
import { differences, linesOf } from '../policy-diff.ts';

export function register(program: Command): void {
  group(program, 'policy', 'policy bundles: check, test, activate, compare them')
    .command('diff')
    .description('what differs between two bundles, rule by rule: exit code 0 nothing, 1 something')
    .argument('<before>', 'folder or document')
    .argument('<after>', 'folder or document')
    .action((before: string, after: string, _options: unknown, command: Command) => {
      process.exitCode = diff(new Context(command), before, after);
    });
}

function diff(context: Context, beforePath: string, afterPath: string): number {
  const [before, after] = [readBundle(beforePath), readBundle(afterPath)];
  const found = differences(before, after);
  const said =
    found.length === 0
      ? `The same bundle: ${nameOf(before)}`
      : [`${nameOf(before)} -> ${nameOf(after)}`, ...found.flatMap(linesOf)].join('\n');
  context.print(said, { before: before.digest, after: after.digest, differences: found });
  return found.length === 0 ? VALID : INVALID;
}
