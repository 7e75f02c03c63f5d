/** What each operation takes as it should be: every row changes some of it. */
import type { Json } from '#domain';

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
  parameters: { diffHash: hash('d1') },
};
const ACCESS: Plain = { connector: 'iam', type: 'role', names: 'role', parameters: own({ grantee: 'ben' }) };
const REFUND: Plain = {
  ...{ connector: 'payments', type: 'account', names: 'account' },
  parameters: own({ order: 'o-1', amountMinor: 1, currency: 'EUR' }),
};
const CONTROL: Plain = { connector: 'countersign', type: 'control', names: 'kind', parameters: { subject: 's-1' } };
export const PLAIN: Readonly<Record<string, Plain>> = {
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
export const OF_RESOURCE: Readonly<Record<string, Readonly<Record<string, Json>>>> = {
  'order-update': { templateVersion: '3' },
  'price-offer': { templateVersion: '1' },
  'legal-notice': { templateVersion: '1' },
  'free-text': { templateVersion: '1' },
  'card-numbers': { destination: 'none' },
  'search-documents': { schemaDigest: hash('5a') },
  'restart-worker': { schemaDigest: hash('6b') },
  'delete-everything': { schemaDigest: hash('6b') },
};
