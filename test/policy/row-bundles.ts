/** The standard bundle, and the same with change windows: which of the two a row is decided under follows from its window. */
import { loadBundleFolder } from '#adapters';
import { type Bundle, type Json, parseBundle } from '#domain';
import { STANDARD_BUNDLE } from '#testing';

import type { Row } from './decision-table.ts';

export const standardDocument = loadBundleFolder(STANDARD_BUNDLE) as Readonly<Record<string, Json>>;

export interface Bundles {
  readonly plain: Bundle;
  readonly windowed: Bundle;
}
export const bundlesOf = (document: Readonly<Record<string, Json>>): Bundles => ({
  plain: parseBundle(document),
  windowed: parseBundle(withWindows(document)),
});
export const bundleFor = ({ plain, windowed }: Bundles, { window }: Pick<Row, 'window'>): Bundle => (window === 'any' ? plain : windowed);

/** In an hour. */
const CALLS = { classes: ['tool.call'], per: 'actor', of: 'count', max: 2, windowSeconds: 3600, over: 'deny' };

/** Two calls of an actor and no third; deployments by day in Berlin, unless an incident opens them; records by day and in the nights of weekdays, and two fields of them. */
function withWindows(document: Readonly<Record<string, Json>>): Json {
  const { classes, envelopes, ...rest } = document as Record<string, Record<string, Json>>;
  const deployment = { ...(classes?.['deployment.change'] as object), window: 'office', incidentOpensWindow: true };
  const acme = envelopes?.['acme'] as { operations: { operation: string }[] };
  const operations = acme.operations.map((one) =>
    one.operation === 'update-record' ? { ...one, fields: ['phone', 'note'], window: ['office', 'nights'] } : one,
  );
  const { crm, ...contracts } = rest['contracts'] as Record<string, { operations: { 'update-record': Record<string, Json> } }>;
  const update = withRelated(crm?.operations['update-record'] ?? {});
  return {
    ...rest,
    classes: { ...classes, 'deployment.change': deployment },
    contracts: { ...contracts, crm: { ...crm, tenantMembers: ['tenantId', 'owner'], operations: { 'update-record': update } } },
    envelopes: { ...envelopes, acme: { ...acme, operations } },
    limits: { ...rest['limits'], 'calls-by-an-actor': CALLS },
    windows: {
      ...rest['windows'],
      office: { days: ['mon', 'tue', 'wed', 'thu', 'fri'], fromMinute: 540, toMinute: 1020, zone: 'Europe/Berlin' },
      nights: { days: ['mon', 'tue', 'wed', 'thu'], fromMinute: 1320, toMinute: 240, zone: 'Europe/Berlin' },
    },
  };
}

/** Records that are written with it, each with a tenant of its own to name, and owners deep inside. */
function withRelated(operation: Readonly<Record<string, Json>>): Json {
  const { parameters } = operation as { parameters: { properties: Record<string, Json> } };
  const text = { type: 'string', maxLength: 128 };
  const owned = {
    type: 'object',
    additionalProperties: false,
    properties: { owner: { type: ['string', 'array', 'null'], items: text, maxItems: 8 } },
  };
  const one = { type: 'object', additionalProperties: false, properties: { of: text, recordId: text, meta: owned } };
  const related = { type: 'array', maxItems: 16, items: one };
  return { ...operation, alsoTenant: ['/related/*/of'], parameters: { ...parameters, properties: { ...parameters.properties, related } } };
}
