/** Digests over canonical JSON and keyed hashes over raw bytes: docs/formats.md, "Digests" and "Erasure". Hex unless said otherwise. */
import { hkdfSha256, hmacSha256, sha256, sha256Hex } from '#crypto';

import { hex, utf8 } from '../formats/bytes.ts';
import { RULES, type Rules } from '../ledger/entry.ts';
import { canonicalize, type Json } from '../formats/canonical-json.ts';

/** What an action is, apart from who signed it and when. */
export interface ActionFacts {
  readonly tenant: string;
  readonly actor: object;
  readonly class: string;
  readonly connector?: string | undefined;
  readonly contractDigest?: string | undefined;
  readonly operation: string;
  readonly parameters: object;
  readonly resource: object;
}

/** SHA-256 of the exact payload bytes. They hold `blind`, so nobody can guess them from the digest. */
export function payloadDigest(payload: Uint8Array): string {
  return sha256Hex(payload);
}

/**
 * 32 bytes. Equal for two proposals that ask the same thing, whenever and with whichever key; kept in state, never in an entry. From rules 2
 * on equal meaning is equal content: `mode` left out is `enforce`.
 */
export function requestDigest(payload: Readonly<Record<string, Json>>, rules: Rules = RULES): Uint8Array {
  const { keyid, blind, issuedAt, expiresAt, ...request } = payload; // rest copies `__proto__` as a member like any other
  if (rules === 1) return sha256(canonicalize(request));
  const { askedAt, mode, token, ...meant } = request; // the token is who asks, as the key is
  return sha256(canonicalize(mode === undefined || mode === 'enforce' ? meant : { ...meant, mode }));
}

/** Never in an entry: nothing blinds it. `actor`, `parameters` and `resource` exactly as in the payload. */
export function actionDigest(action: ActionFacts): string {
  const { actor, connector = null, contractDigest = null, operation, parameters, resource, tenant } = action;
  return sha256Hex(canonicalize({ actor, class: action.class, connector, contractDigest, operation, parameters, resource, tenant }));
}

/** Over the approval rules that the permits named, in the order of their ids. */
export function ruleSetDigest(rules: readonly { readonly id: string }[]): string {
  if (rules.length === 0) return NO_RULES;
  return sha256Hex(canonicalize(rules.toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))));
}

export interface Binding {
  readonly proposal: ActionFacts;
  /** The proposal's, base64url. */
  readonly blind: string;
  /** Of the contract that was used; null when none was. */
  readonly contractDigest: string | null;
  /** ESCALATE: the approval deadline. ALLOW: the permit's executeBy. */
  readonly expiresAt: string;
  /** Of the `action.decided`, decimal. */
  readonly index: string;
  readonly origin: string;
  readonly ruleSetDigest: string;
}

/** What approvers vote on and permits carry: this action, as decided at this place, under these rules, until then. */
export function bindingDigest({ proposal, blind, contractDigest, expiresAt, index, origin, ruleSetDigest: rules }: Binding): string {
  const binding = { actionDigest: actionDigest(proposal), blind, contractDigest, expiresAt, index, origin, ruleSetDigest: rules };
  return sha256Hex(canonicalize(binding));
}

/** Stands for refused bytes in their entry; says nothing about them once the input key is destroyed. */
export function bytesMac(inputKey: Uint8Array, bytes: Uint8Array): string {
  return hex(hmacSha256(hkdfSha256(inputKey, SALT_INFO), bytes));
}

/** SHA-256 of `[]`: most decisions name no rule. */
const NO_RULES = '4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945';
const SALT_INFO = utf8('countersign/salt/v1\0');
