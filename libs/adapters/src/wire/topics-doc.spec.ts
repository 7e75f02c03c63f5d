import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import {
  EVIDENCE_MAX,
  ISSUER_KEYS_MAX,
  JUSTIFICATION_MAX,
  LANES_MAX,
  LIST_MAX,
  NESTING_MAX,
  PAYLOAD_KINDS,
  PAYLOAD_SCHEMAS,
  type PayloadKind,
} from '#domain';

import { TOPICS, type TopicSpec } from '../kafka/topics.ts';
import { ceHeaders } from './headers.ts';
import { currentSchema, SCHEMA_NAMES, schemasFolder } from './schemas.ts';
import { fingerprintOf } from './single-object.ts';

const page = readFileSync(join(schemasFolder(), '..', 'docs', 'topics.md'), 'utf8');
const kinds = Object.keys(PAYLOAD_KINDS) as PayloadKind[];

/** Rows of the table whose first column is called `name`, cells without back-ticks and padding. */
function table(name: string, columns: number): string[][] {
  const lines = page.split('\n');
  const rows = lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
  const start = rows.findIndex((cells) => cells.length === columns && cells[0] === name);
  const end = lines.findIndex((line, at) => at > start && !line.startsWith('|'));
  return rows.slice(start + 2, end);
}
const size = (bytes: number) => (bytes >= 1024 * 1024 ? `${bytes / 1024 / 1024} MiB` : `${bytes / 1024} KiB`);
const kept = ({ cleanupPolicy, retentionMs }: TopicSpec) =>
  cleanupPolicy === 'compact' ? 'latest per key' : retentionMs < 0 ? 'for ever' : `${retentionMs / 86_400_000} d`;

describe('docs/topics.md says what the code does', () => {
  it('topics and their settings', () => {
    const said = table('topic', 7).map(([topic, , , ...settings]) => [topic, ...settings]);
    const done = TOPICS.map((topic) => [
      topic.name,
      topic.cleanupPolicy,
      kept(topic),
      size(topic.maxMessageBytes),
      topic.timestampType === 'LogAppendTime' ? 'broker' : 'producer',
    ]);
    expect(said).toStrictEqual(done);
  });

  it('every schema is on some topic, with its fingerprint', () => {
    const used = new Set(table('topic', 7).flatMap((cells) => (cells[1] ?? '').split(', ')));
    for (const name of SCHEMA_NAMES) expect(used).toContain(name);
    const fingerprints = SCHEMA_NAMES.map((name) => [
      name,
      BigInt.asUintN(64, fingerprintOf(currentSchema(name)))
        .toString(16)
        .padStart(16, '0'),
    ]);
    expect(table('schema', 2)).toStrictEqual(fingerprints);
  });

  it('headers', () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const facts = {
      origin: 'ledger.example/t/aa',
      tenant: 'acme',
      leafIndex: 7,
      kind: 'action.decided',
      actionId: '',
      decidedAt: 't',
      place: 'actions/1/17/0',
      traceparent,
    };
    expect(table('header', 2).map(([name]) => name)).toStrictEqual(Object.keys(ceHeaders('receipts', facts)));
    expect(ceHeaders('receipts', facts)).toMatchObject({ ce_id: 'r-aa-7', ce_subject: 'action.decided', actionid: '', leafindex: '7' });
    expect(ceHeaders('verdicts', { ...facts, actionId: 'a-1', traceparent: 'x\r\n' })).not.toHaveProperty('traceparent');
  });

  it('kinds of payload, who signs them, and how large they may be', () => {
    const done = kinds.map((kind) => {
      const { topic, admittedFor, system, everyLane, bytesMax } = PAYLOAD_KINDS[kind];
      return [kind, topic, admittedFor.join(', '), system ? '_system' : 'its own', everyLane ? 'once per lane' : 'once', size(bytesMax)];
    });
    expect(table('kind', 6)).toStrictEqual(done);
  });

  it('members of each kind', () => {
    const common = ['ledger', 'birth', 'tenant', 'issuer', 'keyid', 'id', 'issuedAt', 'expiresAt', 'blind'];
    const done = (Object.keys(PAYLOAD_SCHEMAS) as PayloadKind[]).map((kind) => {
      const shape = PAYLOAD_SCHEMAS[kind].shape as Record<string, { safeParse(value: unknown): { success: boolean } }>;
      const members = Object.entries(shape).filter(([name]) => !common.includes(name));
      return [kind, members.map(([name, schema]) => (schema.safeParse(undefined).success ? `${name}?` : name)).join(', ')];
    });
    expect(table('kind', 2)).toStrictEqual(done);
  });

  it('limits', () => {
    const said = Object.fromEntries(table('limit', 3).map(([name = '', value = '']) => [name, Number.parseInt(value, 10)]));
    expect(said).toMatchObject({
      'levels of JSON': NESTING_MAX,
      'list in an entry': LIST_MAX,
      evidence: EVIDENCE_MAX,
      justification: JUSTIFICATION_MAX,
      'keys of an issuer': ISSUER_KEYS_MAX,
      lanes: LANES_MAX,
    });
  });

  it('every code of a refusal', () => {
    const schema = JSON.parse(readFileSync(join(schemasFolder(), 'entries', 'input.refused.schema.json'), 'utf8')) as {
      properties: { predicate: { properties: { code: { enum: string[] } } } };
    };
    const said = table('what is wrong', 4).flatMap((cells) => /REFUSED_[A-Z]+/.exec(cells[1] ?? '')?.[0] ?? []);
    expect(said.sort()).toStrictEqual(schema.properties.predicate.properties.code.enum.toSorted());
  });
});
