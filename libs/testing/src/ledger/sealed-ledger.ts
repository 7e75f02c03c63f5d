import { codecs, sealInput, wire } from '#adapters';
import { ed25519PublicKey, sha256, sha256Hex } from '#crypto';
import {
  admitEntry,
  base64,
  type BatchEntry,
  buildBatch,
  emptyHeads,
  type EntryKind,
  formatTime,
  hex,
  keyIdOf,
  type LaneHeads,
  type LedgerBirth,
  type LedgerRecord,
  LogKeys,
  makeStatement,
  NO_PREVIOUS,
  originOf,
  type Predicate,
  RULES,
  sealEnvelope,
  statementBytes,
  systemTree,
  utf8,
  type Source,
  saidOf,
} from '#domain';

/** One entry to be made; the common members of the predicate are added. */
export interface EntryDraft {
  readonly tenant: string;
  readonly kind: EntryKind;
  readonly actionId?: string;
  readonly members?: Readonly<Record<string, unknown>>;
  /** The exact Kafka value; it is sealed under a key of its own. */
  readonly value?: Uint8Array;
}

export interface MadeBatch {
  readonly records: readonly LedgerRecord[];
  /** Wire bytes of each record. */
  readonly values: readonly Uint8Array[];
  /** One for each entry: the Kafka key of its input key, and the key. */
  readonly inputKeys: readonly { readonly name: string; readonly origin: string; readonly leafIndex: number; readonly key: Uint8Array }[];
}

const SEED = (name: string): Uint8Array => sha256(utf8(`test seed of ${name}`));
const START_MS = Date.UTC(2030, 0, 1);

/**
 * A valid lane of a ledger, made in memory without deciding anything: for tests of whoever reads a ledger. Every call makes one sealed
 * batch; the same calls give the same entries (only sealed inputs differ, which no leaf holds).
 */
export class SealedLedger {
  readonly ledgerSeed: Uint8Array;
  readonly deciderSeed: Uint8Array;
  readonly keys: LogKeys;
  readonly birth: LedgerBirth;
  readonly heads: LaneHeads;
  #offset = 0;

  /** Of a ledger born elsewhere, or of one of its own. */
  constructor(
    readonly lane = 0,
    born?: { readonly birth: LedgerBirth; readonly ledgerSeed: Uint8Array; readonly deciderSeed: Uint8Array },
  ) {
    this.ledgerSeed = born?.ledgerSeed ?? SEED('ledger');
    this.deciderSeed = born?.deciderSeed ?? SEED('decider');
    this.keys = new LogKeys(born?.birth.ledger ?? 'ledger.example', this.ledgerSeed);
    this.birth = born?.birth ?? aBirth(this.keys, lane + 1);
    this.heads = emptyHeads(this.birth, lane);
  }

  /** Of a tenant, registered here or not, or of `_system.<lane>`. */
  originOf(tenant: string): string {
    return tenant === systemTree(this.lane) ? this.#systemLog().origin : originOf(this.birth.ledger, logIdOf(tenant));
  }

  /** The first batch of the lane. */
  genesis(): MadeBatch {
    return this.batch([[this.#genesisOf(systemTree(this.lane))]]);
  }

  tenant(tenant: string): MadeBatch {
    const members = { registers: tenant, lane: this.lane, logId: logIdOf(tenant), vkey: this.keys.vkey(this.originOf(tenant)) };
    return this.batch([[{ tenant: systemTree(this.lane), kind: 'tenant.registered', members }, this.#genesisOf(tenant)]]);
  }

  /** One allowed action of a tenant, with its proposal sealed beside it. */
  decided(tenant: string, actionId: string): EntryDraft {
    const members = { verdict: 'ALLOW', reasons: ['ALLOW_POLICY'], mode: 'enforce', issuer: 'platform', class: 'tool.call' };
    return { tenant, kind: 'action.decided', actionId, members, value: this.proposal(tenant, actionId).value };
  }

  /** A signed proposal as it is on `actions`: its Kafka value, and the payload inside. */
  proposal(tenant: string, actionId: string): { value: Uint8Array; payload: Uint8Array } {
    const envelope = sealEnvelope({
      kind: 'action.proposed',
      body: { class: 'tool.call', operation: 'read' },
      head: {
        ledger: this.birth.ledger,
        birth: this.birth.initialisedDigest,
        tenant,
        issuer: 'platform',
        id: actionId,
        issuedAtMs: START_MS,
        expiresAtMs: START_MS + 60_000,
        blind: sha256(utf8(actionId)),
      },
      seed: SEED('platform'),
      lane: this.lane,
    });
    return { value: codecs.signedEnvelope.encode(envelope), payload: envelope.payload };
  }

  /** One sealed batch; each inner list is the parts of one input record. */
  batch(records: readonly (readonly EntryDraft[])[]): MadeBatch {
    const entries: BatchEntry[] = [];
    const inputKeys: MadeBatch['inputKeys'][number][] = [];
    for (const parts of records) {
      const offset = this.#offset++;
      parts.forEach((draft, part) => {
        const entry = this.#admit(draft, { part, parts: parts.length, offset });
        const { origin, index } = entry.entry.statement.predicate;
        const key = sha256(utf8(`${origin}\0${index}`));
        const input = draft.value === undefined ? new Uint8Array() : sealInput(draft.value, key);
        entries.push({ ...entry, input });
        inputKeys.push({ name: `${origin}\0${index}`, origin, leafIndex: Number(index), key });
      });
    }
    return { ...buildBatch(this.heads, entries, this.deciderSeed, wire), inputKeys };
  }

  #admit(draft: EntryDraft, { part, parts, offset }: { part: number; parts: number; offset: number }): Omit<BatchEntry, 'input'> {
    const { tenant, kind, actionId, members = {}, value } = draft;
    const tree = this.heads.trees.get(tenant);
    if (!tree) throw new Error(`${tenant} is not registered`);
    const topic = kind.startsWith('action.') ? 'actions' : 'controls';
    const source: Source =
      kind === 'escalation.settled'
        ? { kind: 'tick', part: 0, parts: 1 }
        : { kind: 'record', topic, epoch: 0, partition: this.lane, offset: String(offset), part, parts, mac: '0'.repeat(64) };
    const predicate: Record<string, unknown> = {
      ...members,
      origin: tree.origin,
      index: String(tree.range.size),
      previous: tree.range.size === 0 ? NO_PREVIOUS : tree.previous,
      decidedAt: formatTime(START_MS + this.heads.nextSeq),
      rules: RULES,
      engine: 'none@0',
      bundle: null,
      source: saidOf(source, RULES),
    };
    const statement = makeStatement(kind, actionId ?? kind, predicate as unknown as Predicate, value && sha256Hex(value));
    const bytes = statementBytes(statement);
    admitEntry(this.heads, tenant, kind, statement, bytes);
    const inputForm = value === undefined ? 'none' : 'sealed';
    return { entry: { tenant, kind, statement, bytes, actionId: actionId ?? '', inputForm, source }, inputForm };
  }

  #systemLog(): LedgerBirth['systemLogs'][number] {
    const log = this.birth.systemLogs.find(({ lane }) => lane === this.lane);
    if (!log) throw new Error(`lane ${this.lane}: the ledger has ${this.birth.lanes} lanes`);
    return log;
  }

  #genesisOf(tenant: string): EntryDraft {
    const { lane, birth } = this;
    const deciderKeys = birth.deciderKeys.map(({ keyid, publicKey }) => ({ keyid, publicKey: base64(publicKey) }));
    const vkey = this.keys.vkey(this.originOf(tenant));
    return { tenant, kind: 'genesis', members: { ledger: birth.ledger, vkey, lane, lanes: birth.lanes, format: 1, deciderKeys } };
  }
}

const logIdOf = (tenant: string): string => hex(sha256(utf8(tenant))).slice(0, 32);

function aBirth(keys: LogKeys, lanes: number): LedgerBirth {
  const party = (of: string) => ({ keyid: keyIdOf(ed25519PublicKey(SEED(of))), publicKey: ed25519PublicKey(SEED(of)) });
  const systemLogs = Array.from({ length: lanes }, (_, lane) => {
    const origin = originOf(keys.ledger, logIdOf(systemTree(lane)));
    return { lane, origin, vkey: keys.vkey(origin) };
  });
  const initialisedDigest = '00'.repeat(32);
  return {
    ...{ rules: RULES, ledger: keys.ledger, lanes, initialisedDigest, systemLogs },
    ...{ admin: party('admin'), gateway: party('gateway'), deciderKeys: [party('decider')] },
  };
}
