/** What the tour proposes and what must come of it, as data: the tour plays it, the system tests hold it to it. */
import type { Evidence, Json, Verdict } from '#domain';

/** Body of `action.proposed`, without the head that the proposer adds. */
export interface ProposalBody {
  readonly actor: { readonly kind: 'agent' | 'person' | 'pipeline'; readonly id: string; readonly actingFor?: string };
  readonly class: string;
  readonly connector?: string;
  readonly operation: string;
  readonly parameters: Readonly<Record<string, Json>>;
  readonly resource: { readonly type: string; readonly id: string };
  readonly evidence?: readonly Evidence[];
  readonly justification?: string;
  readonly impact?: Readonly<Record<string, Json>>;
  readonly mode?: 'enforce' | 'shadow';
}

export interface Expected {
  readonly verdict: Verdict | `WOULD_${Verdict}`;
  readonly reason: string;
}

interface Named {
  /** For people. */
  readonly name: string;
  /** The action's id; unsigned and garbage have one for their row only. */
  readonly id: string;
  readonly tenant: string;
}

export type Scenario =
  | (Named & { readonly kind: 'proposal'; readonly body: ProposalBody; readonly expect: Expected })
  /** The payload of scenario `id` again, signed anew: one decision, and `action.repeated` citing it. */
  | (Named & { readonly kind: 'repeat'; readonly body: ProposalBody; readonly expect: { readonly entry: 'action.repeated' } })
  /** Another body under the id of an earlier scenario. */
  | (Named & { readonly kind: 'conflict'; readonly body: ProposalBody; readonly expect: Expected })
  /** A whole envelope with an empty signature. */
  | (Named & { readonly kind: 'unsigned'; readonly body: ProposalBody; readonly expect: Refused })
  /** Bytes that are not Avro. */
  | (Named & { readonly kind: 'garbage'; readonly bytes: Uint8Array; readonly expect: Refused });

export interface Refused {
  readonly entry: 'input.refused';
  readonly reason: 'REFUSED_SIGNATURE' | 'REFUSED_ENCODING';
}

type Target = ProposalBody['resource'];
/** What the tenant's registered parties vouch for. They add tenant, conclusion and times. */
export interface Parties {
  /** This artifact has passed, for this operation on this target. */
  ci(tenant: string, passed: { readonly resource: Target; readonly operation: string; readonly artifactDigest: string }): Evidence;
  /** This incident is open, and about this target. */
  incidentDesk(tenant: string, open: { readonly resource: Target; readonly incident: string }): Evidence;
}

/** In the order to propose them: repeats and conflicts come after what they refer to. */
export function scenarios(parties: Parties): Scenario[] {
  const { production, shadow, sandbox, claimed, noRollback } = deployments(parties);
  const withoutContract = recordWrite('acme');
  const ownRecord = { ...withoutContract, connector: 'crm' };
  const foreignRecord = { ...recordWrite('globex'), connector: 'crm' };
  return [
    proposal('production deploy during an incident', 'tour-production-deploy', production, 'ESCALATE', 'ESCALATE_APPROVAL_REQUIRED'),
    proposal('the same deploy to a low-risk sandbox', 'tour-sandbox-deploy', sandbox, 'ALLOW', 'ALLOW_POLICY'),
    proposal('a production target called a sandbox', 'tour-claimed-sandbox', claimed, 'ESCALATE', 'ESCALATE_APPROVAL_REQUIRED'),
    proposal('a deploy without rollback path', 'tour-no-rollback', noRollback, 'DENY', 'DENY_MISSING_EVIDENCE'),
    proposal('record write in its own tenant', 'tour-own-record', ownRecord, 'ALLOW', 'ALLOW_POLICY'),
    proposal('record write aimed at another tenant', 'tour-foreign-record', foreignRecord, 'DENY', 'DENY_TENANT_SCOPE'),
    proposal('record write without a contract', 'tour-no-contract', withoutContract, 'DENY', 'DENY_CONTRACT'),
    proposal('unknown class', 'tour-unknown-class', { ...ownRecord, class: 'payment.send' }, 'DENY', 'DENY_UNKNOWN_CLASS'),
    {
      kind: 'unsigned',
      name: 'an unsigned proposal',
      id: 'tour-unsigned',
      tenant: 'acme',
      body: ownRecord,
      expect: { entry: 'input.refused', reason: 'REFUSED_SIGNATURE' },
    },
    {
      kind: 'garbage',
      name: 'bytes that are not Avro',
      id: 'tour-garbage',
      tenant: 'acme',
      bytes: new TextEncoder().encode('{"deploy":"checkout","please":true}'),
      expect: { entry: 'input.refused', reason: 'REFUSED_ENCODING' },
    },
    {
      kind: 'repeat',
      name: 'the same action again',
      id: 'tour-own-record',
      tenant: 'acme',
      body: ownRecord,
      expect: { entry: 'action.repeated' },
    },
    {
      kind: 'conflict',
      name: 'the same id with other content',
      id: 'tour-own-record',
      tenant: 'acme',
      body: { ...ownRecord, ...recordWrite('acme', { phone: '+49 30 5550199' }) },
      expect: { verdict: 'DENY', reason: 'DENY_CONFLICT' },
    },
    proposal('production deploy in shadow mode', 'tour-shadow', shadow, 'WOULD_ESCALATE', 'ESCALATE_APPROVAL_REQUIRED'),
  ];
}

function proposal(name: string, id: string, body: ProposalBody, verdict: Expected['verdict'], reason: string): Scenario {
  return { kind: 'proposal', name, id, tenant: 'acme', body, expect: { verdict, reason } };
}

const ARTIFACT = `sha256:${'5f'.repeat(32)}`;
/** What runs before the tour's deployments. */
export const PREVIOUS_ARTIFACT = `sha256:${'4e'.repeat(32)}`;

/** Of the incident desk; the entry names it. */
const INCIDENT = 'inc-4711';

function deployments(parties: Parties) {
  const deploy = (service: string): ProposalBody => {
    const resource = { type: 'service', id: service };
    return {
      actor: { kind: 'agent', id: 'incident-responder', actingFor: 'ana' },
      class: 'deployment.change',
      connector: 'deploy',
      operation: 'deploy',
      parameters: { service, artifactDigest: ARTIFACT, rollback: { operation: 'rollback', reference: PREVIOUS_ARTIFACT } },
      resource,
      evidence: [
        parties.ci('acme', { resource, operation: 'deploy', artifactDigest: ARTIFACT }),
        parties.ci('acme', { resource, operation: 'rollback', artifactDigest: PREVIOUS_ARTIFACT }),
      ],
      justification: 'Incident 4711: error rate of checkout at 12 %, the fix has passed CI.',
    };
  };
  const quiet = deploy('checkout');
  const incident = parties.incidentDesk('acme', { resource: quiet.resource, incident: INCIDENT });
  const production = { ...quiet, evidence: [...(quiet.evidence ?? []), incident] };
  // Each brings statements of its own: one statement counts once.
  const shadow: ProposalBody = { ...deploy('checkout'), mode: 'shadow' };
  const again = deploy('checkout');
  const claimed: ProposalBody = {
    ...again,
    evidence: [...(again.evidence ?? []), incident],
    parameters: { ...production.parameters, environment: 'sandbox' },
    justification: 'It is only a sandbox.',
    impact: { environment: 'sandbox', risk: 'low' },
  };
  const sandbox = deploy('checkout-sandbox');
  const noRollback = { ...deploy('checkout-sandbox'), parameters: { service: 'checkout-sandbox', artifactDigest: ARTIFACT } };
  return { production, shadow, sandbox, claimed, noRollback };
}

function recordWrite(tenantId: string, fields: Record<string, Json> = { phone: '+49 30 5550100' }): ProposalBody {
  return {
    actor: { kind: 'agent', id: 'support-assistant', actingFor: 'ben' },
    class: 'record.write',
    operation: 'update-record',
    parameters: { tenantId, recordType: 'customer', recordId: 'c-1029', fields },
    resource: { type: 'record', id: 'customer' },
    justification: 'The customer gave a new telephone number.',
  };
}
