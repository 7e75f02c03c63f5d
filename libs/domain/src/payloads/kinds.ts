import type { InputTopic } from '../ledger/entry.ts';

/** Tenant named by ledger-wide controls; their entries go to each lane's `_system.<lane>`. */
export const SYSTEM_TENANT = '_system';
/** Levels of JSON in a payload: far above any contract's parameters, far below what strains an evaluator. */
export const NESTING_MAX = 32;
/** A payload fits many times into a 1 MiB record, and its sealed copy into one batch. */
export const PAYLOAD_BYTES_MAX = 128 * 1024;
/** A bundle is one control record: below the 1 MiB of the topic, with room for the envelope. */
export const BUNDLE_BYTES_MAX = 768 * 1024;

/** What a registered party may sign: proposals, evidence of one type each, or claims and outcomes. */
export const ISSUER_TYPES = ['platform', 'ci', 'reviewer', 'directory', 'incident-desk', 'executor'] as const;
export type IssuerType = (typeof ISSUER_TYPES)[number];
/** What a token may be used for, at the gateway. */
export const TOKEN_ROLES = ['propose', 'read'] as const;
export type TokenRole = (typeof TOKEN_ROLES)[number];
export type Signer = 'admin' | 'gateway' | 'recovery' | IssuerType;
export interface PayloadRules {
  readonly topic: InputTopic;
  /** Who may sign it. */
  readonly admittedFor: readonly Signer[];
  /** Names the tenant `_system`. */
  readonly system: boolean;
  /** Published once per lane. */
  readonly everyLane: boolean;
  readonly bytesMax: number;
}

const control = (system: boolean, everyLane: boolean, bytesMax = PAYLOAD_BYTES_MAX): PayloadRules => ({
  topic: 'controls',
  admittedFor: ['admin'],
  system,
  everyLane,
  bytesMax,
});

const outcome: PayloadRules = {
  topic: 'outcomes',
  admittedFor: ['executor'],
  system: false,
  everyLane: false,
  bytesMax: PAYLOAD_BYTES_MAX,
};

const KINDS = {
  'action.proposed': {
    topic: 'actions',
    admittedFor: ['platform', 'gateway'] as Signer[],
    system: false,
    everyLane: false,
    bytesMax: PAYLOAD_BYTES_MAX,
  },
  'claim.requested': outcome,
  'outcome.reported': outcome,
  'ledger.initialised': control(true, true),
  'tenant.registered': control(true, false),
  'log.rotated': control(true, false),
  'key.rotated': { ...control(true, true), admittedFor: ['admin', 'recovery'] as Signer[] },
  'bundle.activated': control(true, true, BUNDLE_BYTES_MAX),
  'freeze.raised': control(true, true),
  'freeze.lifted': control(true, true),
  'input.gap': control(true, false),
  'time.corrected': control(true, false),
  'approval.recorded': control(false, false),
  'issuer.registered': control(false, false),
  'issuer.revoked': control(false, false),
  'key.added': control(false, false),
  'key.revoked': control(false, false),
  'token.issued': control(false, false),
  'token.revoked': control(false, false),
  'input.erased': control(false, false),
  'effect.closed': control(false, false),
} satisfies Record<string, PayloadRules>;
export type PayloadKind = keyof typeof KINDS;
export const PAYLOAD_KINDS: Readonly<Record<PayloadKind, PayloadRules>> = KINDS;

/** Controls that take permission away, or give it back after an emergency: they do not wait for a bundle in front of them to be judged. */
export const URGENT_KINDS: ReadonlySet<PayloadKind> = new Set<PayloadKind>([
  'freeze.raised',
  'freeze.lifted',
  'issuer.revoked',
  'token.revoked',
  'key.revoked',
]);

const TYPE = /^application\/vnd\.countersign\.([a-z.]+)\+json;v=1$/;

export const payloadTypeOf = (kind: PayloadKind): string => `application/vnd.countersign.${kind}+json;v=1`;

export function kindOf(payloadType: string): PayloadKind | undefined {
  const kind = TYPE.exec(payloadType)?.[1];
  return kind !== undefined && Object.hasOwn(PAYLOAD_KINDS, kind) ? (kind as PayloadKind) : undefined;
}
