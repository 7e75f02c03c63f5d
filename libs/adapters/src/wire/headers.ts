/** CloudEvents 1.0, Kafka binding, binary mode: every value is UTF-8 text. Nothing that matters is only in a header. */
export type HeadedTopic = 'ledger' | 'receipts' | 'verdicts';

export interface HeaderFacts {
  /** `<ledger name>/t/<log id>`. */
  readonly origin: string;
  readonly tenant: string;
  readonly leafIndex: number;
  readonly kind: string;
  /** '' when the entry concerns no action. */
  readonly actionId: string;
  /** RFC 3339, from the entry. */
  readonly decidedAt: string;
  /** Where the record is that the entry was made from: topic/partition/offset/epoch. On receipts and verdicts, which do not say it in E. */
  readonly place?: string | undefined;
  /** W3C trace context of the inbound record, when it had one. */
  readonly traceparent?: string | undefined;
}

export function ceHeaders(topic: HeadedTopic, facts: HeaderFacts): Record<string, string> {
  const index = facts.leafIndex.toString();
  return {
    ce_specversion: '1.0',
    ce_id: `${LETTER[topic]}-${logIdOf(facts.origin)}-${index}`,
    ce_source: facts.origin,
    ce_type: `urn:countersign:${facts.kind}:v1`,
    ce_time: facts.decidedAt,
    ce_subject: facts.actionId === '' ? facts.kind : facts.actionId,
    'content-type': 'application/avro',
    tenant: facts.tenant,
    leafindex: index,
    actionid: facts.actionId,
    ...(facts.place !== undefined && { place: facts.place }),
    ...(facts.traceparent !== undefined && TRACEPARENT.test(facts.traceparent) && { traceparent: facts.traceparent }),
  };
}

/** One entry has a record on up to three topics; ids are unique across them. */
const LETTER: Record<HeadedTopic, string> = { ledger: 'l', receipts: 'r', verdicts: 'v' };
/** W3C Trace Context §3.2: it comes from outside and is copied, so only its own alphabet passes. */
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

function logIdOf(origin: string): string {
  return origin.slice(origin.lastIndexOf('/') + 1);
}
