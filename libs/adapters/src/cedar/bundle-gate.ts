import { ed25519Verify } from '#crypto';
import {
  canonicalBytes,
  kindOf,
  pae,
  parseBundle,
  parseCanonical,
  NESTING_MAX,
  NOT_JUDGED,
  type Bundle,
  type Json,
  type LaneState,
  type PayloadKind,
  type PolicyEngine,
  URGENT_KINDS,
  type WireCodec,
} from '#domain';

import { checkBundleInChild } from './check-child.ts';

/** Judgements remembered: more than wait to be decided, CANDIDATES_MAX on each lane of a process that owns 64. The least recently asked for goes first. */
const REMEMBERED_MAX = 4096;

/** Each is a process of up to 512 MiB; one that takes a minute must not keep every other waiting. */
const JUDGED_AT_ONCE_MAX = 2;

/**
 * The engine as `decide` sees it, with candidate bundles judged beforehand in a process of their own: compiling a hostile one can kill an
 * engine, and must not kill the decider's. A candidate that was not judged is refused.
 */
export class BundleGate implements PolicyEngine {
  readonly name: string;
  readonly #judged = new Map<string, readonly string[]>();
  readonly #judging = new Map<string, Promise<readonly string[]>>();
  #running = 0;

  constructor(
    private readonly engine: PolicyEngine,
    private readonly wire: Pick<WireCodec, 'decodeEnvelope'>,
    private readonly onRefused: (digest: string, reasons: readonly string[]) => void,
    private readonly check: (documentBytes: Uint8Array) => Promise<readonly string[]> = checkBundleInChild,
    private readonly rememberedMax = REMEMBERED_MAX,
  ) {
    this.name = engine.name;
  }

  /** Whether the admin signed it and it is of a kind that must not wait for a bundle in front of it. */
  isUrgent(state: LaneState, value: Uint8Array | null): boolean {
    return this.#signedByAdmin(state, value, (kind) => URGENT_KINDS.has(kind)) !== undefined;
  }

  /** Judges the bundle in this control record, if the admin signed one: others' bytes are never compiled. undefined: nothing to wait for. */
  prepare(state: LaneState, value: Uint8Array | null): Promise<void> | undefined {
    const payload = this.#signedByAdmin(state, value, (kind) => kind === 'bundle.activated');
    const bundle = payload && bundleIn(payload);
    return !bundle || this.#isJudged(bundle) ? undefined : this.#remember(bundle);
  }

  async #remember(bundle: Bundle): Promise<void> {
    const reasons = await this.#judge(bundle);
    if (this.#isJudged(bundle)) return; // another lane waited for the same judgement
    const [oldest] = this.#judged.keys();
    if (this.#judged.size >= this.rememberedMax && oldest !== undefined) this.#judged.delete(oldest);
    this.#judged.set(bundle.digest, reasons);
    if (reasons.length > 0) this.onRefused(bundle.digest, reasons);
  }

  #signedByAdmin({ admin }: LaneState, value: Uint8Array | null, isWanted: (kind: PayloadKind) => boolean): Uint8Array | undefined {
    const envelope = value ? this.wire.decodeEnvelope(value) : undefined;
    const kind = envelope && kindOf(envelope.payloadType);
    if (!envelope || !kind || !isWanted(kind) || envelope.keyid !== admin.keyid) return undefined;
    const isGood = ed25519Verify(admin.publicKey, pae(envelope.payloadType, envelope.payload), envelope.signature);
    return isGood ? envelope.payload : undefined;
  }

  /** It waits to be decided, again: of all that are remembered it is to be forgotten last. */
  #isJudged({ digest }: Bundle): boolean {
    const known = this.#judged.get(digest);
    if (!known) return false;
    this.#judged.delete(digest);
    this.#judged.set(digest, known);
    return true;
  }

  /** Several lanes meet the same bundle at the same moment: it is judged once. */
  #judge(bundle: Bundle): Promise<readonly string[]> {
    const running = this.#judging.get(bundle.digest);
    if (running) return running;
    const judging = this.#inTurn(() => this.check(canonicalBytes(bundle.document))).finally(() => this.#judging.delete(bundle.digest));
    this.#judging.set(bundle.digest, judging);
    return judging;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    while (this.#running >= JUDGED_AT_ONCE_MAX) await Promise.race(this.#judging.values());
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
    }
  }

  refusals(bundle: Bundle): readonly string[] {
    return this.#judged.get(bundle.digest) ?? [NOT_JUDGED];
  }

  guards(bundle: Bundle): ReturnType<PolicyEngine['guards']> {
    return this.engine.guards(bundle);
  }

  authorize(...args: Parameters<PolicyEngine['authorize']>): ReturnType<PolicyEngine['authorize']> {
    return this.engine.authorize(...args);
  }

  parametersValid(...args: Parameters<PolicyEngine['parametersValid']>): boolean {
    return this.engine.parametersValid(...args);
  }
}

function bundleIn(payload: Uint8Array): Bundle | undefined {
  try {
    const json = parseCanonical(payload, { maxDepth: NESTING_MAX }) as Record<string, Json>;
    return parseBundle(json['bundle'] ?? null);
  } catch {
    return undefined; // decide refuses it by itself
  }
}
