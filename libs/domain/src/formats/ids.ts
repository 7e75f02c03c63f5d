/** Identifiers travel in topics, subjects, file names and reasons: one small alphabet, 128 characters at most. */
export type TenantId = string & { readonly brand: 'TenantId' };
export type ActionId = string & { readonly brand: 'ActionId' };
export type IssuerId = string & { readonly brand: 'IssuerId' };

const IDENTIFIER = /^[A-Za-z0-9._:@/-]{1,128}$/;

export function isIdentifier(text: string): boolean {
  return IDENTIFIER.test(text);
}

/** A tenant's id. Those that start with `_` are the ledger's own (`_system.<lane>`). */
export function isTenantId(text: string): text is TenantId {
  return IDENTIFIER.test(text) && !text.startsWith('_');
}
