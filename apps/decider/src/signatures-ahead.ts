import { ed25519Verify, ed25519VerifyAside } from '#crypto';
import type { KafkaRecord } from '#adapters';
import { pae, type LaneState, type SignatureCheck, type SignedEnvelope, type WireCodec } from '#domain';

/** Answers that wait for their question, some 12 MB at 1.2 kB each. Records beyond are verified when they are decided. */
const ANSWERS_MAX = 8192;

interface Answer {
  /** Of its record on `actions`. */
  readonly offset: bigint;
  readonly value: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  /** undefined until it is known. */
  isGood: boolean | undefined;
  readonly known: Promise<unknown>;
}

/**
 * Verifies the signatures of records on other threads while they wait to be decided. An answer counts for exactly the key, message and
 * signature that it was given for, so nothing depends on which of them were asked ahead, or when.
 */
export class SignaturesAhead {
  /** By signature, in the order of their offsets. */
  readonly #answers = new Map<string, Answer>();
  /** Of each answer, by the very bytes that it was decoded from. */
  readonly #envelopes = new Map<Uint8Array, SignedEnvelope>();

  constructor(
    private readonly wire: Pick<WireCodec, 'decodeEnvelope'>,
    private readonly answersMax = ANSWERS_MAX,
  ) {}

  /** Answers, known or not, that nobody has needed yet. */
  get waiting(): number {
    return this.#answers.size;
  }

  /** Asks for what will be decided later. The key is a guess: the one that its tenant has under that id now. */
  ask(state: LaneState, { value, offset }: Pick<KafkaRecord, 'value' | 'offset'>): void {
    if (value === null || this.#answers.size >= this.answersMax) return;
    const envelope = this.wire.decodeEnvelope(value);
    const publicKey = envelope && keyOf(state, envelope.tenant, envelope.keyid);
    if (!publicKey) return;
    const message = pae(envelope.payloadType, envelope.payload);
    const known = ed25519VerifyAside(publicKey, message, envelope.signature).then(
      (isGood) => (answer.isGood = isGood),
      () => undefined, // asked again when it is decided
    );
    const answer: Answer = { offset, value, publicKey, message, isGood: undefined, known };
    const name = nameOf(envelope.signature);
    this.#forget(name); // a copy of an earlier record: asked again, and last in order
    this.#answers.set(name, answer);
    this.#envelopes.set(value, envelope);
  }

  /** Resolves when the answers for the next `count` records, from offset `next` on, are known. Those before are forgotten. */
  async known(next: bigint, count: number): Promise<void> {
    const waiting: Promise<unknown>[] = [];
    for (const [name, { offset, known, isGood }] of this.#answers) {
      if (offset < next) this.#forget(name);
      else if (count-- <= 0) break;
      else if (isGood === undefined) waiting.push(known);
    }
    if (waiting.length > 0) await Promise.all(waiting);
  }

  /** What `ask` decoded already is not decoded again. */
  readonly decodeEnvelope: WireCodec['decodeEnvelope'] = (value) => this.#envelopes.get(value) ?? this.wire.decodeEnvelope(value);

  readonly verify: SignatureCheck = (publicKey, message, signature) => {
    const name = nameOf(signature);
    const answer = this.#answers.get(name);
    const isSame = answer && Buffer.compare(answer.publicKey, publicKey) === 0 && Buffer.compare(answer.message, message) === 0;
    return isSame ? (answer.isGood ?? ed25519Verify(publicKey, message, signature)) : ed25519Verify(publicKey, message, signature);
  };

  #forget(name: string): void {
    const answer = this.#answers.get(name);
    if (!answer) return;
    this.#answers.delete(name);
    this.#envelopes.delete(answer.value);
  }
}

const nameOf = (signature: Uint8Array): string => Buffer.from(signature.buffer, signature.byteOffset, signature.length).toString('latin1');

function keyOf(state: LaneState, tenant: string, keyid: string): Uint8Array | undefined {
  if (keyid === state.gateway.keyid) return state.gateway.publicKey;
  for (const issuer of state.tenants.get(tenant)?.issuers.values() ?? []) {
    const key = issuer.keys.get(keyid);
    if (key) return key;
  }
  return undefined;
}
