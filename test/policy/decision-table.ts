/** Reads decision-table.txt: each row a proposal that differs from its operation's plain one in what the row says, and what must come of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Bundle, Json, PolicyTest } from '#domain';

export interface Row {
  /** Of the file. */
  readonly line: number;
  readonly cls: string;
  readonly operation: string;
  readonly resource: string;
  readonly actor: 'agent' | 'person' | 'pipeline';
  readonly tenant: string;
  readonly evidence: readonly string[];
  readonly window: 'any' | 'open' | 'closed';
  readonly contract: 'pinned' | 'none-pinned' | 'drifted' | 'missing';
  readonly change: readonly string[];
  readonly verdict: 'ALLOW' | 'DENY' | 'ESCALATE';
  readonly reason: string;
}

export function readRows(): Row[] {
  const lines = readFileSync(join(import.meta.dirname, 'decision-table.txt'), 'utf8')
    .trimEnd()
    .split('\n');
  const at = lines.findIndex((line) => !line.startsWith('#'));
  return lines.slice(at + 1).map((text, index) => {
    const cells = text.split('|').map((cell) => cell.trim());
    const [
      cls = '',
      operation = '',
      resource = '',
      actor,
      tenant = '',
      evidence = '',
      window,
      contract,
      change = '',
      verdict,
      reason = '',
    ] = cells;
    if (cells.length !== 11) throw new Error(`decision-table.txt line ${at + index + 2}: expected 11 cells`);
    const head = { line: at + index + 2, cls, operation, resource, tenant, reason };
    const [words, changes] = [evidence === '-' ? [] : evidence.split('+'), change === '-' ? [] : change.split(';')];
    return { ...head, actor, evidence: words, window, contract, change: changes, verdict } as Row;
  });
}

const hash = (byte: string): string => `sha256:${byte.repeat(32)}`;
const own = (more: Record<string, Json>) => ({ tenantId: 'acme', ...more });

interface Plain {
  readonly connector: string;
  readonly type: string;
  /** The parameter that names the resource. */
  readonly names: string;
  readonly parameters: Readonly<Record<string, Json>>;
}
const DEPLOY: Plain = {
  ...{ connector: 'deploy', type: 'service', names: 'service' },
  parameters: { artifactDigest: hash('5f'), rollback: { operation: 'rollback', reference: hash('4e') } },
};
const CODE: Plain = {
  connector: 'git',
  type: 'branch',
  names: 'branch',
  parameters: { diffHash: hash('d1'), touchesProtectedPaths: false },
};
const ACCESS: Plain = { connector: 'iam', type: 'role', names: 'role', parameters: own({ grantee: 'ben' }) };
const REFUND: Plain = {
  ...{ connector: 'payments', type: 'account', names: 'account' },
  parameters: own({ order: 'o-1', amountMinor: 1, currency: 'EUR' }),
};
const CONTROL: Plain = { connector: 'countersign', type: 'control', names: 'kind', parameters: { subject: 's-1' } };
const PLAIN: Readonly<Record<string, Plain>> = {
  ...{ deploy: DEPLOY, rollback: DEPLOY, destroy: DEPLOY },
  'update-record': { connector: 'crm', type: 'record', names: 'recordType', parameters: own({ recordId: 'c-1', fields: { phone: '1' } }) },
  'export-dataset': {
    ...{ connector: 'warehouse', type: 'dataset', names: 'dataset' },
    parameters: own({ dataHash: hash('d1'), principal: 'ana', destination: 's3://exports/orders' }),
  },
  ...{ 'grant-role': ACCESS, 'revoke-role': ACCESS },
  ...{ 'open-draft': CODE, push: CODE, merge: CODE, 'force-push': CODE },
  ...{ refund: REFUND, credit: REFUND },
  'send-template': { connector: 'mailer', type: 'template', names: 'template', parameters: own({ recipient: 'c-1' }) },
  call: { connector: 'tools', type: 'tool', names: 'tool', parameters: own({}) },
  ...Object.fromEntries(
    ['activate-bundle', 'register-issuer', 'revoke-issuer', 'change-directory', 'assign-role', 'issue-token', 'revoke-token'].map(
      (name) => [name, CONTROL],
    ),
  ),
};
/** What depends on the resource: as its row of the tables has it. */
const OF_RESOURCE: Readonly<Record<string, Readonly<Record<string, Json>>>> = {
  'order-update': { templateVersion: '3' },
  'price-offer': { templateVersion: '1' },
  'legal-notice': { templateVersion: '1' },
  'free-text': { templateVersion: '1' },
  'card-numbers': { destination: 'none' },
  'search-documents': { schemaDigest: hash('5a') },
  'restart-worker': { schemaDigest: hash('6b') },
  'delete-everything': { schemaDigest: hash('6b') },
};
/** 09:30 in Berlin in summer, and the same time of UTC in winter, which is 08:30 there. */
const TIMES = { any: undefined, open: '2026-07-15T07:30:00.000Z', closed: '2026-01-14T07:30:00.000Z' };

export function testOf(row: Row, bundle: Bundle): PolicyTest {
  const plain = PLAIN[row.operation];
  if (!plain) throw new Error(`line ${row.line}: no plain proposal of ${row.operation}`);
  const { connector } = plain;
  const digest =
    row.contract === 'drifted' ? '0'.repeat(64) : row.contract === 'pinned' ? bundle.contractDigests.get(connector) : undefined;
  const now = TIMES[row.window];
  return {
    name: `line ${row.line}`,
    ...(now === undefined ? {} : { now }),
    proposal: {
      ...{ tenant: row.tenant, class: row.cls, operation: row.operation },
      actor: { kind: row.actor, id: 'agent', actingFor: 'ana' },
      ...(row.contract === 'missing' ? {} : { connector }),
      ...(digest === undefined ? {} : { contractDigest: digest }),
      parameters: changed({ ...plain.parameters, [plain.names]: row.resource, ...OF_RESOURCE[row.resource] }, row.change),
      resource: { type: plain.type, id: row.resource },
      evidence: [...row.evidence],
    },
    expect: { verdict: row.verdict, reason: row.reason },
  };
}

function changed(parameters: Readonly<Record<string, Json>>, changes: readonly string[]): Record<string, Json> {
  const members = new Map(Object.entries(parameters));
  for (const change of changes) {
    const [name = '', ...json] = change.split('=');
    if (change.startsWith('-')) members.delete(change.slice(1));
    else members.set(name, JSON.parse(json.join('=')) as Json);
  }
  return Object.fromEntries(members);
}

/** The standard bundle with hours: deployments by day in Berlin, unless an incident opens them; records by day, and two fields of them. */
export function withWindows(document: Json): Json {
  const { classes, envelopes, ...rest } = document as Record<string, Record<string, Json>>;
  const deployment = { ...(classes?.['deployment.change'] as object), window: 'office', incidentOpensWindow: true };
  const acme = envelopes?.['acme'] as { operations: { operation: string }[] };
  const operations = acme.operations.map((one) =>
    one.operation === 'update-record' ? { ...one, fields: ['phone', 'note'], window: 'office' } : one,
  );
  const { crm, ...contracts } = rest['contracts'] as Record<string, { operations: { 'update-record': object } }>;
  const update = { ...crm?.operations['update-record'], fields: '/fields' };
  return {
    ...rest,
    classes: { ...classes, 'deployment.change': deployment },
    contracts: { ...contracts, crm: { ...crm, operations: { 'update-record': update } } },
    envelopes: { ...envelopes, acme: { ...acme, operations } },
    windows: { office: { days: ['mon', 'tue', 'wed', 'thu', 'fri'], fromMinute: 540, toMinute: 1020, zone: 'Europe/Berlin' } },
  };
}
