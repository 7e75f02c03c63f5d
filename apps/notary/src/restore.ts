import {
  codecs,
  OffsetOutOfRange,
  wire,
  type KafkaRecord,
  type LogReader,
  type Log,
  type NotaryPositionRecord,
  type TreeHeadRecord,
  readToEnd,
} from '#adapters';
import {
  emptyHeads,
  equalBytes,
  hex,
  LaneHalted,
  type LaneHeads,
  type LedgerBirth,
  type LogKeys,
  parseVkey,
  positionVerifies,
  rangeRoot,
  systemTree,
  verifyCheckpoint,
} from '#domain';

import type { GuardedRoot } from './history.ts';
import { positionKey, type TopicName } from './outgoing.ts';
import { PublishedReceipts } from './published-receipts.ts';

export interface RestoreOptions {
  readonly reader: LogReader;
  readonly birth: LedgerBirth;
  readonly lane: number;
  readonly keys: LogKeys;
  readonly topicName: TopicName;
  readonly signal: AbortSignal;
  readonly log: Log;
}

/** What a notary knows of its lane before it reads the ledger. */
export interface Restored {
  readonly heads: LaneHeads;
  readonly ledgerOffset: bigint;
  readonly inputKeysOffset: bigint;
  /** Records before this sequence have their receipts already, although no position says so. */
  readonly publishedSeq: number;
  /** A position of ours was there, and the ledger is not as it says. */
  readonly isDisplaced: boolean;
  /** Every tree head on `checkpoints` that our keys signed, by origin: what we must never contradict. */
  readonly signed: ReadonlyMap<string, GuardedRoot>;
}

/**
 * Reads `checkpoints`. Others may write there, so nothing is believed that our own keys did not sign. A position that does not fit the
 * heads beside it counts for nothing: the lane is then recomputed from genesis, and what `receipts` holds already is not published again.
 */
export async function restore(options: RestoreOptions): Promise<Restored> {
  const { reader, birth, lane, keys, topicName, signal, log } = options;
  const positions: NotaryPositionRecord[] = [];
  const newest = new Map<string, TreeHeadRecord>();
  const signed = new Map<string, GuardedRoot>();
  await readToEnd(
    reader,
    { topic: topicName('checkpoints'), partition: lane },
    (record) => {
      const head = signedHeadIn(record, options);
      if (head) {
        // The largest, not the last: an old record of ours that somebody writes again must not take us back.
        const known = newest.get(head.origin);
        if (head.size > (known?.size ?? 0) || (head.size === known?.size && head.successor !== null)) newest.set(head.origin, head);
        guardAgainst(signed, head);
      } else if (record.key?.toString() === positionKey(lane))
        positions.push(...decoded(() => codecs.notaryPosition.decode(bytesOf(record))));
    },
    signal,
  );
  const heads = headsOf(birth, lane, keys, [...newest.values()]);
  const system = birth.systemLogs.find((each) => each.lane === lane);
  if (!system) throw new Error(`lane ${lane}: the ledger has ${birth.lanes} lanes`);
  const { origin } = heads.trees.get(systemTree(lane)) ?? system;
  const { publicKey } = parseVkey(keys.vkey(origin));
  const position = positions.findLast((each) => {
    heads.nextSeq = each.nextSeq;
    return positionVerifies(each, heads, each.signature, publicKey);
  });
  if (position?.sealer) heads.sealers = [position.sealer];
  if (position && (await isPlaced(options, position))) {
    const { ledgerOffset, inputKeysOffset } = position;
    return {
      heads,
      ledgerOffset: BigInt(ledgerOffset),
      inputKeysOffset: BigInt(inputKeysOffset),
      publishedSeq: 0,
      isDisplaced: false,
      signed,
    };
  }
  if (positions.length > 0) {
    log.error({ lane, alarm: true }, 'no position on checkpoints is ours and fits tree heads and ledger: recomputing from genesis');
  }
  // Exactly one receipt for each record of the lane, in order: their number is the sequence to go on from.
  const published = new PublishedReceipts({ lane, keys, system });
  await readToEnd(
    reader,
    { topic: topicName('receipts'), partition: lane },
    ({ value }) => {
      published.push(value);
    },
    signal,
  );
  const { count: publishedSeq, ignored } = published;
  if (ignored > 0) log.error({ lane, ignored, alarm: true }, 'records on receipts that no notary of this ledger published: not counted');
  const starts = await reader.endOffsets([topicName('ledger'), topicName('input-keys')].map((topic) => ({ topic, partition: lane })));
  const [ledger, inputKeys] = starts;
  if (ledger?.start !== 0n) throw new LaneHalted('TAIL_LOST', `lane ${lane}: the ledger does not begin at its genesis`);
  return {
    heads: emptyHeads(birth, lane),
    ledgerOffset: 0n,
    inputKeysOffset: inputKeys?.start ?? 0n,
    publishedSeq,
    isDisplaced: position !== undefined,
    signed,
  };
}

/**
 * Whether the ledger goes on at the position's offset with the position's sequence, or ends exactly there. A ledger that was written again, after a
 * loss or into a new topic, has other offsets.
 */
async function isPlaced(
  { reader, lane, topicName, signal }: RestoreOptions,
  { ledgerOffset, nextSeq }: NotaryPositionRecord,
): Promise<boolean> {
  const place = { topic: topicName('ledger'), partition: lane };
  const [fetched] = await reader.fetch([{ ...place, offset: BigInt(ledgerOffset) }], { maxWaitMs: 1, signal });
  if (fetched?.error instanceof OffsetOutOfRange) return false;
  if (!fetched || fetched.error) throw fetched?.error ?? new Error(`nothing fetched of ${place.topic}`);
  const [next] = fetched.records;
  if (!next) return true;
  // Bytes of no decider are no other place: they stop the reader that comes to them.
  const [record] = decoded(() => wire.decodeRecord(bytesOf(next)));
  return record === undefined || record.laneSeq === nextSeq;
}

/** The tree head in a record, if the log's own key signed it and its range has the signed root. */
function signedHeadIn(record: KafkaRecord, { lane, keys, birth }: RestoreOptions): TreeHeadRecord | undefined {
  const [head] = decoded(() => codecs.treeHead.decode(bytesOf(record)));
  if (head?.lane !== lane || !head.origin.startsWith(`${birth.ledger}/t/`)) return undefined;
  const signer = keys.vkeys(head.origin).find((vkey) => {
    const [isSigned] = decoded(() => {
      const { size, root } = verifyCheckpoint(head.checkpoint, { origin: head.origin, verifier: parseVkey(vkey) });
      return size === BigInt(head.size) && equalBytes(root, rangeRoot({ size: head.size, hashes: head.rangeHashes }));
    });
    return isSigned;
  });
  return signer !== undefined && keys.isOurs(head.origin, signer) ? head : undefined;
}

function guardAgainst(signed: Map<string, GuardedRoot>, { origin, size, rangeHashes }: TreeHeadRecord): void {
  const root = hex(rangeRoot({ size, hashes: rangeHashes }));
  const known = signed.get(origin);
  if (known?.size === size && known.root !== root)
    throw new LaneHalted('FORKED', `${origin}: signed twice at size ${size}, with two roots`);
  if (size > (known?.size ?? 0)) signed.set(origin, { size, root });
}

function headsOf(birth: LedgerBirth, lane: number, keys: LogKeys, newest: readonly TreeHeadRecord[]): LaneHeads {
  const heads: LaneHeads = { ...emptyHeads(birth, lane), trees: new Map() };
  const systemFirst = newest.toSorted((a, b) => Number(b.tenant === systemTree(lane)) - Number(a.tenant === systemTree(lane)));
  for (const { tenant, origin, size, rangeHashes, previous, successor } of systemFirst) {
    const tree = { tenant, origin, vkey: keys.vkey(origin), range: { size, hashes: rangeHashes }, previous: hex(previous) };
    if (successor === null) heads.trees.set(tenant, tree);
    else heads.closed.set(origin, { ...tree, successor });
  }
  return heads;
}

const bytesOf = (record: KafkaRecord): Uint8Array => record.value ?? new Uint8Array();

/** Nothing, when it throws: anyone with access may write here. */
function decoded<T>(decode: () => T): T[] {
  try {
    return [decode()];
  } catch {
    return [];
  }
}
