/** The parties of a ledger made in memory: every key, log id and blind follows from a seed. */
import { codecs } from '#adapters';
import { ed25519PublicKey, sha256, sha256Hex } from '#crypto';
import {
  base64,
  hex,
  type KeyOffer,
  type KeyRole,
  keyIdOf,
  type LedgerBirth,
  LogKeys,
  offerKey,
  originOf,
  type PayloadKind,
  RULES,
  type Rules,
  sealEnvelope,
  type SignedEnvelope,
  SYSTEM_TENANT,
  systemTree,
  utf8,
} from '#domain';

/** A Wednesday, noon in UTC. */
export const LANE_START_MS = Date.UTC(2026, 10, 25, 12);

/** The token that the gateway speaks for, unless a test says otherwise. */
export const GATEWAY_TOKEN = 'token-gateway';

/** What a signed record says; whatever is left out is a well-behaved sender's. */
export interface Signing {
  readonly kind: PayloadKind;
  readonly tenant?: string;
  readonly issuer?: string;
  /** Whose key signs; the issuer's own when absent. */
  readonly signer?: string;
  readonly id?: string;
  readonly body?: object;
  readonly issuedAtMs?: number;
  readonly expiresAtMs?: number;
  readonly lane?: number;
  readonly ledger?: string;
  /** Hex; the ledger's own when absent. */
  readonly birth?: string;
  /** Of a proposal: when it was first asked for; with the first signature when absent. */
  readonly askedAtMs?: number;
}

/** Parties of the whole ledger. */
const WIDE: readonly string[] = ['admin', 'gateway', 'recovery'];
/** Of the ledger, after the first one: logs that are rotated take their keys from it. */
const NEXT_SEED = 'ledger, second';

const nextOf = (holder: string): string => `${holder}, next`;

export class Parties {
  readonly keys: LogKeys;
  readonly birth: LedgerBirth;
  /** Exact payload of LedgerInitialised: the birth pins it. */
  readonly initialised: SignedEnvelope;
  #drawn = 0;
  /** Whose seed signs for a role of the ledger, once it was rotated. */
  readonly #rotated = new Map<string, string>();

  constructor(
    readonly seed: string,
    readonly lanes: number,
    readonly ledger = 'ledger.example',
    readonly rules: Rules = RULES,
  ) {
    this.keys = new LogKeys(ledger, this.seedOf('ledger'), this.seedOf(NEXT_SEED));
    const systemLogs = Array.from({ length: lanes }, (_, lane) => ({ lane, ...this.logOf(systemTree(lane)) }));
    const keys = { adminKey: this.publicKeyOf('admin'), gatewayKey: this.publicKeyOf('gateway'), deciderKey: this.publicKeyOf('decider') };
    const recovery = rules === 1 ? {} : { recoveryKey: this.publicKeyOf('recovery') };
    const body = { format: 1, rules, name: ledger, lanes, ...keys, ...recovery, systemLogs };
    this.initialised = this.envelope({ kind: 'ledger.initialised', id: 'ledger.initialised', body, lane: 0 }, LANE_START_MS);
    const party = (name: string) => ({ keyid: this.publicKeyOf(name).keyid, publicKey: ed25519PublicKey(this.seedOf(name)) });
    this.birth = {
      ...{ rules, ledger, lanes, initialisedDigest: sha256Hex(this.initialised.payload) },
      ...{ admin: party('admin'), gateway: party('gateway'), deciderKeys: [party('decider')] },
      ...(rules === 1 ? {} : { recovery: party('recovery') }),
      systemLogs: systemLogs.map(({ lane, logId, vkey }) => ({ lane, origin: originOf(ledger, logId), vkey })),
    };
  }

  /** 32-byte seed of the party's key. */
  seedOf(name: string): Uint8Array {
    return sha256(utf8(`${this.seed}: ${name}`));
  }

  publicKeyOf(name: string): { keyid: string; publicKey: string } {
    const publicKey = ed25519PublicKey(this.seedOf(name));
    return { keyid: keyIdOf(publicKey), publicKey: base64(publicKey) };
  }

  logOf(tenant: string): { logId: string; vkey: string } {
    const logId = hex(sha256(utf8(`${this.seed}: log of ${tenant}`))).slice(0, 32);
    return { logId, vkey: this.keys.vkey(originOf(this.ledger, logId)) };
  }

  /** 32 bytes that nobody else has, the next ones at each call. */
  draw(): Uint8Array {
    return this.seedOf(`draw ${this.#drawn++}`);
  }

  /** Key of an issuer: ledger-wide parties have one, others one for each tenant. */
  signerOf(issuer: string, tenant: string): string {
    return WIDE.includes(issuer) ? this.holderOf(issuer) : `${issuer} of ${tenant}`;
  }

  /** Whose seed the ledger admits for one of its roles. */
  holderOf(role: string): string {
    return this.#rotated.get(role) ?? role;
  }

  /** What the holder of the role's next key offers; from `take` on it is the one that signs. */
  offer(role: KeyRole): { readonly offer: KeyOffer; readonly take: () => void } {
    const before = this.holderOf(role);
    return { offer: this.#offerOf(role, before), take: () => void this.#rotated.set(role, nextOf(before)) };
  }

  /** What is offered once the role was rotated so often. */
  offerAfter(role: KeyRole, rotations: number): KeyOffer {
    return this.#offerOf(role, this.holdersOf(role, rotations).at(-1) ?? role);
  }

  /** The role's holders, from the birth on to so many rotations later. */
  holdersOf(role: KeyRole, rotations: number): string[] {
    const holders: string[] = [role];
    for (let at = 0; at < rotations; at++) holders.push(nextOf(holders.at(-1) ?? role));
    return holders;
  }

  #offerOf(role: KeyRole, before: string): KeyOffer {
    const sealer = role === 'decider' ? this.seedOf(before) : undefined;
    return offerKey(this.birth.initialisedDigest, role, this.seedOf(nextOf(before)), sealer);
  }

  /** Of which every log's key is derived, the oldest first. */
  get ledgerSeeds(): readonly Uint8Array[] {
    return [this.seedOf('ledger'), this.seedOf(NEXT_SEED)];
  }

  /** The log that continues one which is closed: with a key of the ledger's next seed. */
  nextLogOf(tenant: string, generation: number): { logId: string; vkey: string } {
    const logId = hex(sha256(utf8(`${this.seed}: log ${generation} of ${tenant}`))).slice(0, 32);
    return { logId, vkey: new LogKeys(this.ledger, this.seedOf(NEXT_SEED)).vkey(originOf(this.ledger, logId)) };
  }

  envelope(signing: Signing, nowMs: number): SignedEnvelope {
    const isAction = signing.kind === 'action.proposed';
    const { kind, body = {}, issuedAtMs = nowMs, expiresAtMs = nowMs + 300_000, lane = 0, ledger = this.ledger } = signing;
    const tenant = signing.tenant ?? (isAction ? 'acme' : SYSTEM_TENANT);
    const issuer = signing.issuer ?? (isAction ? 'platform' : 'admin');
    const blind = this.draw();
    const id = signing.id ?? `${kind}-${hex(blind).slice(0, 8)}`;
    const birth = this.#isBound(kind) ? (signing.birth ?? this.birth.initialisedDigest) : undefined;
    const head = { ledger, birth, tenant, issuer, id, issuedAtMs, askedAtMs: signing.askedAtMs, expiresAtMs, blind };
    const named = isAction && issuer === 'gateway' && this.rules > 1 ? { token: GATEWAY_TOKEN } : {};
    return sealEnvelope({
      kind,
      body: { ...named, ...body },
      head,
      seed: this.seedOf(signing.signer ?? this.signerOf(issuer, tenant)),
      lane,
    });
  }

  #isBound(kind: PayloadKind): boolean {
    return this.rules !== 1 && kind !== 'ledger.initialised';
  }

  /** The same as a Kafka value. */
  value(signing: Signing, nowMs: number): Uint8Array {
    return codecs.signedEnvelope.encode(this.envelope(signing, nowMs));
  }
}
