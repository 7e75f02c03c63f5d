import { formatTime } from '../formats/time.ts';
import type { EntryContent } from './draft.ts';
import type { OpenEscalation } from './open.ts';

/** How an escalation ends: by the passing of time, or by the control whose payload has `payloadDigest`. */
export function settlement(
  { index, issuer, keyid, token, actionId, deadlineMs }: OpenEscalation,
  ended: { readonly outcome: string; readonly [member: string]: unknown },
  payloadDigest?: string,
): EntryContent {
  const sender = { issuer, ...(keyid === undefined ? {} : { keyid }), ...(token === undefined ? {} : { token }) };
  return {
    kind: 'escalation.settled',
    actionId,
    members: { settles: String(index), deadline: formatTime(deadlineMs), ...sender, ...ended },
    ...(payloadDigest === undefined ? {} : { payloadDigest }),
    inputForm: 'none',
  };
}
