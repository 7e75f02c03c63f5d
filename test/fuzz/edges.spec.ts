/** What stands in files that an operator brings, what a gateway is asked in headers and queries, and lines of a stream. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Command } from 'commander';
import { afterAll } from 'vitest';

import { HomeError, loadBundleFolder } from '#adapters';
import { sha256Hex } from '#crypto';
import {
  BundleError,
  BytesError,
  CanonicalJsonError,
  fromUtf8,
  parseJson,
  parsePolicyTests,
  PolicyTestError,
  runPolicyTest,
  utf8,
} from '#domain';
import { copyStandardBundle, FakeEngine, testBundle } from '#testing';

import { register } from '../../apps/cli/src/commands/verify-ledger.ts';
import { type Line, linesOf } from '../../apps/cli/src/conform/lines.ts';
import { CliError } from '../../apps/cli/src/errors.ts';
import { authenticate } from '../../apps/gateway/src/http/credential.ts';
import { Problem } from '../../apps/gateway/src/http/problem.ts';
import { parseWait, WAIT_MAX_MS } from '../../apps/gateway/src/http/wait.ts';
import { TokenBook } from '../../apps/gateway/src/index/token-book.ts';
import { bundleBytes, requests } from './corpora.ts';
import { fuzz, ofText, type Target } from './fuzz.ts';

const folder = copyStandardBundle();
afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Cedar {
  readonly schema: string;
  readonly policies: Readonly<Record<string, string>>;
}

/** One file of a bundle's folder; the others are good. `again`: what the document has of it, where that is the text itself. */
function bundleFile(name: string, again: (cedar: Cedar) => string | undefined = () => undefined): Target {
  const file = join(folder, name);
  const original = readFileSync(file);
  const parse = (bytes: Uint8Array): Uint8Array | undefined => {
    writeFileSync(file, bytes);
    try {
      const text = again(loadBundleFolder(folder)['cedar'] as unknown as Cedar);
      return text === undefined ? undefined : utf8(text);
    } finally {
      writeFileSync(file, original);
    }
  };
  return {
    name: `bundle: ${name}`,
    valid: [original],
    hostile: [bundleBytes],
    parse,
    errors: [BundleError, CanonicalJsonError],
  };
}

const bundle = testBundle();
const engine = new FakeEngine();
const policyTest = {
  ...{ name: 'größer', now: '2026-11-25T12:00:00.000Z' },
  proposal: {
    ...{ tenant: 'acme', actor: { kind: 'person', id: 'ana', actingFor: 'ben' }, class: 'change', connector: 'tool' },
    ...{ operation: 'apply', parameters: { target: 'low', artifact: 'a', amount: 0.5 } },
    ...{ resource: { type: 'thing', id: 'low' }, evidence: ['ci', 'review-by-actor', 'delegation-expired', 'incident'] },
  },
  expect: { verdict: 'DENY', reason: 'DENY_MISSING_EVIDENCE', policies: ['a'] },
};
const testFiles = ['control', 'data.export', 'refund.issue'].map(
  (name) => new Uint8Array(readFileSync(join(folder, 'tests', `${name}.json`))),
);

const tokens = new TokenBook();
const known = new Map(['cs_one', `cs_${'aZ09_-'.repeat(7)}x`].map((bearer, at) => [bearer, `t${at}`]));
for (const [bearer, token] of known)
  tokens.issue({
    tenant: 'acme',
    token,
    tokenHash: sha256Hex(utf8(bearer)),
    roles: ['read'],
    says: { rules: 2, actors: undefined },
    validUntilMs: 1000,
  });

/** In pieces, so that lines begin and end anywhere in them. */
async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7) % 61) yield bytes.subarray(at, at + size);
}

/** Each line with its newline again; the last one is a line without it. */
async function joined(bytes: Uint8Array): Promise<Uint8Array> {
  const lines: Line[] = [];
  for await (const line of linesOf(inPieces(bytes))) lines.push(line);
  if (lines.some(({ cut, bytes: each }) => cut || each.includes(0x0a))) throw new TypeError('a line that is none');
  const whole = Buffer.concat(lines.flatMap((line) => [line.bytes, Buffer.from('\n')]));
  return bytes.at(-1) === 0x0a || bytes.length === 0 ? whole : whole.subarray(0, -1);
}

/** The command reads its lines first, and only then finds that there is no ledger. */
async function acknowledged(bytes: Uint8Array): Promise<undefined> {
  const file = join(folder, 'acks');
  writeFileSync(file, bytes);
  const program = new Command().option('--data <dir>').option('--json', '', false).exitOverride();
  register(program);
  try {
    await program.parseAsync(['--data', folder, 'verify', 'ledger', '--acks', file], { from: 'user' });
  } catch (error) {
    if (!(error instanceof HomeError)) throw error;
  }
}

const TARGETS: readonly Target[] = [
  { name: 'lines of countersign conform', valid: [utf8(''), utf8('\n\n'), ...requests.slice(0, 5)], parse: joined, errors: [] },
  bundleFile('bundle.json'),
  bundleFile('classes.json'),
  bundleFile('contracts/countersign.json'),
  bundleFile('schema.cedarschema', ({ schema }) => schema),
  bundleFile('policies/code-draft.cedar', ({ policies }) => policies['code-draft']),
  {
    name: "a bundle's own tests",
    valid: [...testFiles, utf8(JSON.stringify([policyTest, policyTest]))],
    hostile: ['0000-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z'].map((now) => utf8(JSON.stringify([{ ...policyTest, now }]))),
    parse: (bytes) => {
      const tests = parsePolicyTests(parseJson(fromUtf8(bytes)));
      for (const test of tests) runPolicyTest(bundle, engine, test);
      return undefined;
    },
    errors: [PolicyTestError, CanonicalJsonError, BytesError],
  },
  {
    name: 'wait of a request',
    valid: ['0s', '0ms', '10s', '60s', '60000ms', '1500ms'].map((text) => utf8(text)),
    hostile: ['61s', '60001ms', '01s', '1e3ms', '10', 's', '١s'].map((text) => utf8(text)),
    parse: ofText((text) => {
      const waitMs = parseWait(text);
      if (!Number.isInteger(waitMs) || waitMs < 0 || waitMs > WAIT_MAX_MS) throw new TypeError(`waits for ${waitMs} ms`);
      return text.endsWith('ms') ? `${waitMs}ms` : `${waitMs / 1000}s`;
    }),
    errors: [Problem],
  },
  {
    name: 'bearer header',
    valid: [...known.keys()].flatMap((bearer) => [utf8(`Bearer ${bearer}`), utf8(`bEARER ${bearer}`)]),
    hostile: ['Bearer cs_two', 'Basic cs_one', 'Bearer cs_one, Bearer cs_one', 'cs_one'].map((text) => utf8(text)),
    parse: ofText((text) => {
      const { token } = authenticate(text, tokens, 0);
      const scheme = text.slice(0, 'bearer'.length);
      return `${/^bearer$/i.test(scheme) ? scheme : 'Bearer'} ${[...known].find(([, name]) => name === token)?.[0] ?? ''}`;
    }),
    errors: [Problem],
  },
  {
    name: '--acks of verify ledger',
    valid: [utf8(''), utf8('{"topic":"actions","partition":0,"offset":"17"}\n\n{"topic":"controls","partition":2,"offset":0}')],
    hostile: ['null', '[]', '{"topic":"actions","partition":0,"offset":0.5}'].map((text) => utf8(text)),
    parse: acknowledged,
    errors: [CliError],
  },
];

fuzz('files that an operator brings, headers, queries and lines', TARGETS);
