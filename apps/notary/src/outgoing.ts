import { ceHeaders, codecs, formatPlace, type OutgoingRecord } from '#adapters';
import {
  type LaneHeads,
  type NotarisedEntry,
  type NotaryPosition,
  type Predicate,
  signPosition,
  type SignedTreeHead,
  VERDICT_OF,
} from '#domain';

export type TopicName = (logical: string) => string;

export const positionKey = (lane: number): string => `_position.${lane}`;

/** What one notarised entry becomes on Kafka: its receipt, and a verdict where executors wait for one. */
export function entryRecords(
  entry: NotarisedEntry,
  lane: number,
  topicName: TopicName,
  { proposal, traceparent }: { readonly proposal: Uint8Array | null; readonly traceparent: string | undefined },
): OutgoingRecord[] {
  const { origin, leafIndex, treeSize, actionId, receipt, sealed } = entry;
  const { tenant } = sealed.record;
  const { kind } = sealed;
  const { predicate } = sealed.statement;
  const key = Buffer.from(tenant);
  const facts = {
    origin,
    tenant,
    leafIndex,
    kind,
    actionId,
    decidedAt: predicate.decidedAt,
    place: formatPlace(sealed.source),
    traceparent,
  };
  const receipts: OutgoingRecord = {
    topic: topicName('receipts'),
    partition: lane,
    key,
    value: codecs.receipt.encode({ tenant, origin, leafIndex, treeSize, actionId, kind, proof: receipt }),
    headers: ceHeaders('receipts', facts),
  };
  if (!hasVerdict(kind)) return [receipts];
  const value = codecs.verdict.encode({ tenant, origin, leafIndex, actionId, kind, ...answerOf(kind, predicate), receipt, proposal });
  return [receipts, { topic: topicName('verdicts'), partition: lane, key, value, headers: ceHeaders('verdicts', facts) }];
}

const DECISIONS: readonly string[] = ['action.decided', 'action.repeated', 'escalation.settled'];
/** What somebody waits for: decisions, how they ended, and the answers to those who want to act. */
export const hasVerdict = (kind: string): boolean => DECISIONS.includes(kind) || VERDICT_OF[kind] !== undefined;

/** A decision's own verdict; how a settlement ended; '' for a repetition, which decides nothing. Routing copies: E in the receipt counts. */
function answerOf(kind: string, predicate: Predicate): { verdict: string; reasons: string[] } {
  const { verdict, outcome, reasons } = predicate as { verdict?: unknown; outcome?: unknown; reasons?: unknown };
  const answer = VERDICT_OF[kind] ?? verdict ?? outcome;
  return {
    verdict: typeof answer === 'string' ? answer : '',
    reasons: Array.isArray(reasons) ? reasons.filter((reason): reason is string => typeof reason === 'string') : [],
  };
}

export function treeHeadRecord(head: SignedTreeHead, lane: number, topicName: TopicName): OutgoingRecord {
  const { tenant, origin, range, checkpoint, previous, successor } = head;
  const value = codecs.treeHead.encode({
    tenant,
    origin,
    size: range.size,
    checkpoint,
    rangeHashes: range.hashes,
    previous,
    lane,
    successor,
  });
  return { topic: topicName('checkpoints'), partition: lane, key: Buffer.from(origin), value };
}

export function positionRecord(position: NotaryPosition, heads: LaneHeads, systemSeed: Uint8Array, topicName: TopicName): OutgoingRecord {
  const value = codecs.notaryPosition.encode({ ...position, signature: signPosition(position, heads, systemSeed) });
  return { topic: topicName('checkpoints'), partition: position.lane, key: Buffer.from(positionKey(position.lane)), value };
}
