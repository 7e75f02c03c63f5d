/** A row as the proposal that it stands for. */
import { ACTOR_KINDS, type ActorRule, type Bundle, type Json, type Proposal } from '#domain';

import { EVIDENCE_WORDS, evidenceFor, type Found } from '../../libs/domain/src/policy/own-test-evidence.ts';
import type { Row } from './decision-table.ts';
import { OF_RESOURCE, PLAIN } from './plain-proposals.ts';

/** What the platform of the rows may say. */
export const ROW_ACTORS: readonly ActorRule[] = [
  ...ACTOR_KINDS.map((kind) => ({ kind, id: 'agent', actingFor: ['ana'] })),
  { kind: 'agent', id: 'other', actingFor: ['ana'] },
  { kind: 'agent', id: 'desk', actingFor: ['*'] },
  { kind: 'pipeline', id: '*' },
];

/**
 * A Wednesday, noon in UTC; 09:30 in Berlin in summer; the same time of UTC in winter, which is 08:30 there; 02:30 there on a Friday, in the
 * night that began on Thursday; and 02:30 on a Sunday.
 */
export const TIMES_MS: Readonly<Record<Row['window'], number>> = {
  any: Date.UTC(2026, 10, 25, 12),
  open: Date.UTC(2026, 6, 15, 7, 30),
  closed: Date.UTC(2026, 0, 14, 7, 30),
  night: Date.UTC(2026, 6, 17, 0, 30),
  sunday: Date.UTC(2026, 6, 19, 0, 30),
};

interface Asked {
  readonly id?: string;
  readonly birth?: string;
}

/** What was decided before the row, in order, and last the row itself. */
export function proposalsOf(row: Row, bundle: Bundle, nowMs: number, asked: Omit<Asked, 'id'> = {}): Proposal[] {
  const { before, line } = row;
  if (!before) return [proposalOf(row, bundle, nowMs, asked)];
  const idOf = (at: number): string => `line-${line}-${at}`;
  const earlier = Array.from({ length: before.times }, (_, at) => {
    const change = [...row.change, ...before.change.map((each) => each.replaceAll('#', `${line}-${at}`))];
    return proposalOf({ ...row, ...before.by, change }, bundle, nowMs, { ...asked, id: idOf(at) });
  });
  const own = proposalOf(row, bundle, nowMs, asked);
  return [...earlier, before.reused ? { ...own, evidence: proposalOf(row, bundle, nowMs, { ...asked, id: idOf(0) }).evidence ?? [] } : own];
}

/** Of the platform, with evidence that is signed at `nowMs` for the ledger of that birth. `bundle` has the contracts that it pins. */
export function proposalOf(row: Row, bundle: Bundle, nowMs: number, { id = `line-${row.line}`, birth }: Asked = {}): Proposal {
  const plain = PLAIN[row.operation];
  if (!plain) throw new Error(`line ${row.line}: no plain proposal of ${row.operation}`);
  const { connector } = plain;
  const digest =
    row.contract === 'drifted' ? '0'.repeat(64) : row.contract === 'pinned' ? bundle.contractDigests.get(connector) : undefined;
  const bare: Proposal = {
    ...{ tenant: row.tenant, issuer: 'platform', id, mode: 'enforce', ...(birth === undefined ? {} : { birth }) },
    ...{ class: row.cls, operation: row.operation },
    actor: { kind: row.actor, id: row.id, ...(row.actingFor === undefined ? {} : { actingFor: row.actingFor }) },
    ...(row.contract === 'missing' ? {} : { connector }),
    ...(digest === undefined ? {} : { contractDigest: digest }),
    // Each row's refund is for an order of its own: what one row counts is not what another one has spent.
    parameters: changed(
      { ...parametersOf(plain, row), [plain.names]: row.resource, ...OF_RESOURCE[row.resource] },
      row.change.filter((change) => !isFound(change)),
    ),
    resource: { type: plain.type, id: row.resource },
  };
  const unknown = row.evidence.find((word) => !EVIDENCE_WORDS.includes(word));
  if (unknown !== undefined) throw new Error(`line ${row.line}: no evidence is called ${unknown}`);
  return { ...bare, evidence: row.evidence.map((word) => evidenceFor(word, bundle, bare, nowMs, found(row.change))) };
}

const FOUND = 'found:';
const isFound = (change: string): boolean => change.startsWith(FOUND);

/** What CI and reviewer state as facts; undefined: nothing. */
function found(changes: readonly string[]): Found | undefined {
  const facts = changed(
    {},
    changes.filter(isFound).map((change) => change.slice(FOUND.length)),
  );
  return Object.keys(facts).length === 0 ? undefined : (facts as Found);
}

const parametersOf = ({ parameters }: (typeof PLAIN)[string] & object, { line }: Row): Readonly<Record<string, Json>> =>
  'order' in parameters ? { ...parameters, order: `o-${line}` } : parameters;

function changed(parameters: Readonly<Record<string, Json>>, changes: readonly string[]): Record<string, Json> {
  const members = new Map(Object.entries(parameters));
  for (const change of changes) {
    const [name = '', ...json] = change.split('=');
    if (change.startsWith('-')) members.delete(change.slice(1));
    else members.set(name, JSON.parse(json.join('=')) as Json);
  }
  return Object.fromEntries(members);
}
