import {
  type ActorRule,
  originOf,
  parseTime,
  type Predicate,
  type SealedBatch,
  type SealedEntry,
  type LedgerBirth,
  type Source,
  type Statement,
  type TokenRole,
} from '#domain';

import { ActionTable } from './action-table.ts';
import { ENTRIES_MAX, EntryTable, type Slot, type SourceAt } from './entry-table.ts';
import { IndexStore } from './index-store.ts';
import { LogBook } from './log-book.ts';
import { TokenBook, type TokenSays } from './token-book.ts';

/** `receipts` is not what a notary writes: reading it further would show receipts for the wrong entries. */
export class ReceiptsBroken extends Error {
  override readonly name = 'ReceiptsBroken';
  readonly code = 'RECEIPTS_BROKEN';
}

/**
 * What the gateway answers from: a fold of every lane's ledger and receipts. It holds where things are and
 * the facts that credentials rest on; entries and receipts themselves are read from Kafka when asked for.
 */
export class LedgerIndex {
  readonly entries: EntryTable;
  readonly actions: ActionTable;
  readonly tokens: TokenBook;
  readonly logs: LogBook;
  readonly #systemLogs: LedgerBirth['systemLogs'];
  readonly #ledger: string;
  readonly #nextReceipt = new Map<string, number>();
  readonly #receiptGeneration = new Map<string, number>();
  /** By lane: keyid of the key that signs as the issuer `gateway`. */
  readonly #gatewayKeys = new Map<number, string>();
  readonly #bornWith: string;
  /** By lane: its time, the latest `decidedAt` since it was last corrected. As text, which sorts as time does. */
  readonly #laneTimes = new Map<number, string>();

  constructor(
    birth: Pick<LedgerBirth, 'ledger' | 'systemLogs' | 'gateway'>,
    entriesMax = ENTRIES_MAX,
    readonly store = new IndexStore(),
  ) {
    this.#ledger = birth.ledger;
    this.#bornWith = birth.gateway.keyid;
    this.#systemLogs = birth.systemLogs;
    this.entries = new EntryTable(entriesMax, store);
    this.actions = new ActionTable(store);
    this.tokens = new TokenBook(store);
    this.logs = new LogBook(store);
    this.#load();
  }

  /** For the next commit: what is not in the store already. */
  save(): void {
    this.entries.save();
    this.actions.save();
    const fold: KeptFold = {
      nextReceipt: [...this.#nextReceipt],
      receiptGeneration: [...this.#receiptGeneration],
      gatewayKeys: [...this.#gatewayKeys],
      laneTimes: [...this.#laneTimes],
    };
    this.store.put('fold', JSON.stringify(fold));
  }

  /** Forgets everything, to be folded again from the ledger's first record. */
  clear(): void {
    this.store.clear();
    for (const part of [this.entries, this.actions, this.tokens, this.logs]) part.load();
    this.#load();
  }

  #load(): void {
    const kept = this.store.get('fold');
    const fold = kept === undefined ? undefined : (JSON.parse(kept) as KeptFold);
    refill(this.#nextReceipt, fold?.nextReceipt);
    refill(this.#receiptGeneration, fold?.receiptGeneration);
    refill(this.#gatewayKeys, fold?.gatewayKeys);
    refill(this.#laneTimes, fold?.laneTimes);
    for (const { lane, origin, vkey } of this.#systemLogs) this.logs.register({ tenant: `_system.${lane}`, origin, lane, vkey });
  }

  /** The key that the lane admits for the issuer `gateway`, as far as its ledger is folded. */
  gatewayKey(lane: number): string {
    return this.#gatewayKeys.get(lane) ?? this.#bornWith;
  }

  /** The time of the tenant's lane, POSIX milliseconds, as far as its ledger is folded; 0 before anything is. */
  laneTimeMs(tenant: string): number {
    const lane = this.logs.get(tenant)?.lane;
    const time = lane === undefined ? undefined : this.#laneTimes.get(lane);
    return time === undefined ? 0 : parseTime(time);
  }

  foldBatch({ entries }: SealedBatch): void {
    for (const entry of entries) this.#foldEntry(entry);
  }

  /** ahead: the ledger fold has not met the entry yet; ask again. Throws ReceiptsBroken. */
  foldReceipt(lane: number, { tenant, leafIndex }: { tenant: string; leafIndex: number }, offset: number): 'ahead' | Slot | undefined {
    const log = this.logs.get(tenant);
    const generation = this.#receiptsOf(tenant);
    const expected = this.#nextReceipt.get(tenant) ?? 0;
    if (!log || Math.max(leafIndex, expected) >= this.entries.treeSize(tenant, generation)) return 'ahead';
    if (log.lane !== lane) throw new ReceiptsBroken(`receipts/${lane} offset ${offset}: tenant lives on lane ${log.lane}`);
    if (leafIndex !== expected)
      throw new ReceiptsBroken(`receipts/${lane} offset ${offset}: expected index ${expected}, came ${leafIndex}`);
    this.#nextReceipt.set(tenant, expected + 1);
    const slot = this.entries.slotOf(tenant, leafIndex, generation);
    if (slot === undefined) return undefined; // dropped already
    this.entries.setReceipt(slot, offset);
    return slot;
  }

  /** In which of the tenant's logs its next receipt is: a log that is closed has as many as it has entries. */
  #receiptsOf(tenant: string): number {
    let generation = this.#receiptGeneration.get(tenant) ?? 0;
    const isComplete = (this.#nextReceipt.get(tenant) ?? 0) >= this.entries.treeSize(tenant, generation);
    if (isComplete && generation < this.entries.generationOf(tenant)) {
      generation += 1;
      this.#nextReceipt.set(tenant, 0);
    }
    this.#receiptGeneration.set(tenant, generation);
    return generation;
  }

  #foldEntry({ record, statement, kind, source }: SealedEntry): void {
    const { tenant, leafIndex, place } = record;
    const { predicate, subject } = statement;
    this.#noteTime(record.lane, kind, predicate.decidedAt);
    const isRaw = predicate['bytesMac'] !== undefined; // its digest is no payload's
    const isOfPayload = source.kind === 'record' && !isRaw;
    const { slot, dropped } = this.entries.add({
      ...{ tenant, leafIndex, source: sourceAt(source) },
      digest: isOfPayload ? subject[0].digest.sha256 : undefined,
      sender: isRaw ? place?.sender : undefined,
    });
    if (dropped !== undefined) this.actions.drop(dropped);
    if (kind === 'action.decided') {
      const { askedAt, expiresAt, first } = predicate;
      const takesId = predicate.rules === 1 ? typeof expiresAt === 'string' : typeof askedAt === 'string' && first === undefined;
      this.actions.noteDecision({
        tenant,
        actionId: statement.subject[0].name,
        slot,
        byGateway: predicate['issuer'] === 'gateway',
        takesId,
        askedAtMs: typeof askedAt === 'string' ? parseTime(askedAt) : undefined,
      });
    } else if (kind === 'escalation.settled') {
      const decision = this.entries.slotOf(tenant, Number(predicate['settles']));
      if (decision !== undefined) this.actions.noteSettlement(decision, slot);
    } else this.#foldFact(tenant, kind, statement);
  }

  #noteTime(lane: number, kind: string, decidedAt: string): void {
    if (kind === 'time.corrected' || decidedAt > (this.#laneTimes.get(lane) ?? '')) this.#laneTimes.set(lane, decidedAt);
  }

  #foldKey(tree: string, role: string, predicate: Predicate): void {
    const lane = laneOfTree(tree);
    const { keyid } = predicate['key'] as unknown as { keyid: string };
    if (lane !== undefined && role === 'gateway') this.#gatewayKeys.set(lane, keyid);
  }

  #foldFact(tenant: string, kind: string, { predicate }: Statement): void {
    const text = (member: string): string => {
      const value = predicate[member];
      return typeof value === 'string' ? value : '';
    };
    if (kind === 'log.closed') this.entries.close(tenant);
    else if (kind === 'key.rotated') this.#foldKey(tenant, text('role'), predicate);
    else if (kind === 'tenant.registered' || kind === 'log.rotated') {
      const origin = originOf(this.#ledger, text('logId'));
      const tenant = text(kind === 'log.rotated' ? 'rotates' : 'registers');
      this.logs.register({ tenant, origin, lane: Number(predicate['lane']), vkey: text('vkey') });
    } else if (kind === 'token.issued') {
      this.tokens.issue({
        tenant,
        token: text('token'),
        tokenHash: text('tokenHash'),
        roles: (Array.isArray(predicate['roles']) ? predicate['roles'] : []) as TokenRole[],
        says: saysOf(predicate),
        validUntilMs: parseTime(text('validUntil')),
      });
    } else if (kind === 'token.revoked') this.tokens.revoke(tenant, text('token'));
  }
}

interface KeptFold {
  readonly nextReceipt: readonly (readonly [tenant: string, index: number])[];
  readonly receiptGeneration: readonly (readonly [tenant: string, generation: number])[];
  readonly gatewayKeys: readonly (readonly [lane: number, keyid: string])[];
  readonly laneTimes: readonly (readonly [lane: number, time: string])[];
}

function refill<K, V>(map: Map<K, V>, entries: readonly (readonly [K, V])[] = []): void {
  map.clear();
  for (const [key, value] of entries) map.set(key, value);
}

function saysOf({ rules, agents, actors }: Statement['predicate']): TokenSays {
  if (rules === 1) return { rules: 1, agents: Array.isArray(agents) ? agents.map(String) : undefined };
  return { rules: 2, actors: actors as ActorRule[] | undefined };
}

function laneOfTree(tree: string): number | undefined {
  const lane = /^_system\.(\d+)$/.exec(tree)?.[1];
  return lane === undefined ? undefined : Number(lane);
}

function sourceAt(source: Source): SourceAt | undefined {
  if (source.kind === 'tick') return undefined;
  const { topic, partition, epoch, offset } = source;
  return { topic, partition, epoch, offset: Number(offset) };
}
