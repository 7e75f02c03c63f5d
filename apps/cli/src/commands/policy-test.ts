import type { Command } from 'commander';

import { Context } from '../context.ts';
import { CliError, INVALID, VALID } from '../errors.ts';
import { group } from '../group.ts';
import { gotOf, readBundle, readTests, testPolicy } from '../policy.ts';

interface Options {
  readonly only?: string;
}

export function register(program: Command): void {
  group(program, 'policy', 'policy bundles: check, test, activate, compare them')
    .command('test')
    .description("a bundle's own tests (tests/*.json): what is decided of each proposal, and whether it is what was expected")
    .argument('<bundle>', 'its folder')
    .option('--only <text>', 'those whose name contains it')
    .action(async (path: string, { only }: Options, command: Command) => {
      process.exitCode = await test(new Context(command), path, only ?? '');
    });
}

async function test(context: Context, path: string, only: string): Promise<number> {
  const bundle = readBundle(path);
  const tests = readTests(path).filter(({ name }) => name.includes(only));
  if (tests.length === 0) throw new CliError(`no test${only === '' ? '' : ` with "${only}" in its name`}: write some into ${path}/tests`);
  const results = await testPolicy(bundle, tests);
  const failed = results.filter(({ ok }) => !ok).length;
  const lines = results.map((result, at) => {
    const wanted = tests[at]?.expect;
    const instead = result.ok ? '' : `, expected ${[wanted?.verdict, wanted?.reason, ...(wanted?.policies ?? [])].join(' ')}`;
    return `${result.ok ? 'ok    ' : 'FAILED'} ${result.name}: ${gotOf(result)}${instead}`;
  });
  context.print([...lines, `${results.length - failed} passed, ${failed} failed`].join('\n'), {
    ...{ ok: failed === 0, name: bundle.document.name, digest: bundle.digest, passed: results.length - failed, failed, results },
  });
  return failed === 0 ? VALID : INVALID;
}
