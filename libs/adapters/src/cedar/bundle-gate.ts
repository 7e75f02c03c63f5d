import { ed25519Verify } from '#crypto';
import {
  canonicalBytes,
  kindOf,
  pae,
  parseBundle,
  parseCanonical,
  NESTING_MAX,
  type Bundle,
  type Json,
  type LaneState,
  type PolicyEngine,
  type WireCodec,
} from '#domain';

import { checkBundleInChild } from './check-child.ts';

/** Judgements remembered: more than wait to be decided, 64 on each lane of a process that owns 64. The least recently asked for goes first. */
const REMEMBERED_MAX = 4096;

/**
 * The engine as `decide` sees it, with candidate bundles judged beforehand in a process of their own: compiling a hostile one can kill an
 * engine, and must not kill the decider's. A candidate that was not judged is refused.
 */
export class BundleGate implements PolicyEngine {
  readonly name: string;
  readonly #judged = new Map<string, readonly string[]>();
  readonly #judging = new Map<string, Promise<readonly string[]>>();

  constructor(
    private readonly engine: PolicyEngine,
    private readonly wire: Pick<WireCodec, 'decodeEnvelope'>,
    private readonly onRefused: (digest: string, reasons: readonly string[]) => void,
    private readonly check: (documentBytes: Uint8Array) => Promise<readonly string[]> = checkBundleInChild,
    private readonly rememberedMax = REMEMBERED_MAX,
  ) {
    this.name = engine.name;
  }

  /** Judges the bundle in this control record, if the admin signed one: others' bytes are never compiled. */
  async prepare(state: LaneState, value: Uint8Array | null): Promise<void> {
    const envelope = value ? this.wire.decodeEnvelope(value) : undefined;
    if (!envelope || kindOf(envelope.payloadType) !== 'bundle.activated' || envelope.keyid !== state.admin.keyid) return;
    if (!ed25519Verify(state.admin.publicKey, pae(envelope.payloadType, envelope.payload), envelope.signature)) return;
    const bundle = bundleIn(envelope.payload);
    if (!bundle || this.#isJudged(bundle)) return;
    const reasons = await this.#judge(bundle);
    if (this.#isJudged(bundle)) return; // another lane waited for the same judgement
    const [oldest] = this.#judged.keys();
    if (this.#judged.size >= this.rememberedMax && oldest !== undefined) this.#judged.delete(oldest);
    this.#judged.set(bundle.digest, reasons);
    if (reasons.length > 0) this.onRefused(bundle.digest, reasons);
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
    const judging = this.check(canonicalBytes(bundle.document)).finally(() => this.#judging.delete(bundle.digest));
    this.#judging.set(bundle.digest, judging);
    return judging;
  }

  refusals(bundle: Bundle): readonly string[] {
    return this.#judged.get(bundle.digest) ?? ['not judged before it was decided'];
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
