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

/** Deployments by day in Berlin, unless an incident opens them; records by day and in the nights of weekdays, and two fields of them. */
function withWindows(document: Readonly<Record<string, Json>>): Json {
  const { classes, envelopes, ...rest } = document as Record<string, Record<string, Json>>;
  const deployment = { ...(classes?.['deployment.change'] as object), window: 'office', incidentOpensWindow: true };
  const acme = envelopes?.['acme'] as { operations: { operation: string }[] };
  const operations = acme.operations.map((one) =>
    one.operation === 'update-record' ? { ...one, fields: ['phone', 'note'], window: ['office', 'nights'] } : one,
  );
  const { crm, ...contracts } = rest['contracts'] as Record<string, { operations: { 'update-record': object } }>;
  const update = { ...crm?.operations['update-record'], fields: '/fields' };
  return {
    ...rest,
    classes: { ...classes, 'deployment.change': deployment },
    contracts: { ...contracts, crm: { ...crm, operations: { 'update-record': update } } },
    envelopes: { ...envelopes, acme: { ...acme, operations } },
    windows: {
      ...rest['windows'],
      office: { days: ['mon', 'tue', 'wed', 'thu', 'fri'], fromMinute: 540, toMinute: 1020, zone: 'Europe/Berlin' },
      nights: { days: ['mon', 'tue', 'wed', 'thu'], fromMinute: 1320, toMinute: 240, zone: 'Europe/Berlin' },
    },
  };
}
