import {
  type Checkpoint,
  type EntryKind,
  isIntegerSafeDeep,
  KnownNodes,
  leafHash,
  parseProof,
  parseStatement,
  ReceiptError,
  type Statement,
  type TlogProof,
  type Trust,
  verifyInclusion,
  type Verifier,
  verifyReceipt,
} from '#domain';

/** A receipt whose every word was proved. `entry` is E's exact bytes. */
export interface CheckedReceipt {
  readonly entry: Uint8Array;
  readonly kind: EntryKind;
  readonly statement: Statement;
  readonly checkpoint: Checkpoint;
}

/** Checkpoints remembered; a batch's receipts share one, and each is some 300 bytes. */
const CHECKPOINTS_MAX = 4096;

/** Verifies many receipts: a checkpoint that was verified once, by its exact bytes and key, is not verified again. */
export class ReceiptVerifier {
  readonly #checkpoints = new Map<string, Checkpoint>();
  /** For each log, as its receipts come one after the other but other logs' are in between. */
  readonly #nodes = new WeakMap<Verifier, KnownNodes>();
  readonly #max: number;

  constructor(checkpointsMax = CHECKPOINTS_MAX) {
    this.#max = checkpointsMax;
  }

  /** Throws ReceiptError, or EntryError for an entry of a kind that this version does not know. */
  verify(proofBytes: Uint8Array, pins: { readonly origin: string; readonly verifier: Verifier; readonly trust?: Trust }): CheckedReceipt {
    const { origin, verifier, trust } = pins;
    // Another origin or trust is refused by verifyReceipt, and a quorum is asked for anew each time.
    const isPlain = origin === verifier.name && (!trust || (trust.quorum === 'none' && trust.log.vkey === verifier.vkey));
    const file = isPlain ? fileOf(proofBytes) : undefined;
    const key = file && `${verifier.vkey}\n${file.checkpoint}`;
    const known = key === undefined ? undefined : this.#checkpoints.get(key);
    if (file && known) return this.#included(file, known, verifier);
    const { entry, checkpoint } = verifyReceipt(proofBytes, { origin, verifier, ...(trust ? { trust } : {}) });
    if (key !== undefined) this.#keep(key, checkpoint);
    return { entry, checkpoint, ...parseStatement(entry) };
  }

  /** What remains of verifyReceipt when the signature is known to be good. */
  #included({ entry, index, proof }: TlogProof, checkpoint: Checkpoint, verifier: Verifier): CheckedReceipt {
    if (entry === undefined) throw new ReceiptError('NO_ENTRY', 'receipt carries no entry and none was given');
    let known = this.#nodes.get(verifier);
    if (known === undefined) this.#nodes.set(verifier, (known = new KnownNodes()));
    try {
      verifyInclusion({ index, size: checkpoint.size, leafHash: leafHash(entry), root: checkpoint.root, proof }, known);
    } catch (cause) {
      throw new ReceiptError('NOT_INCLUDED', 'receipt: the proof does not lead from the entry to the root', { cause });
    }
    const parsed = parseStatement(entry);
    if (!isIntegerSafeDeep(parsed.statement)) throw new ReceiptError('BAD_ENTRY', 'entry is not a statement of safe integers');
    const { predicate } = parsed.statement;
    if (predicate.origin !== verifier.name) throw new ReceiptError('ENTRY_ORIGIN', `entry is not of ${verifier.name}`);
    if (predicate.index !== index.toString()) throw new ReceiptError('ENTRY_INDEX', `entry is not at index ${index}`);
    return { entry, checkpoint, ...parsed };
  }

  #keep(key: string, checkpoint: Checkpoint): void {
    this.#checkpoints.set(key, checkpoint);
    if (this.#checkpoints.size <= this.#max) return;
    for (const oldest of this.#checkpoints.keys()) if (this.#checkpoints.delete(oldest)) break;
  }
}

/** undefined for bytes that verifyReceipt will refuse with the right code. */
function fileOf(proofBytes: Uint8Array): TlogProof | undefined {
  try {
    return parseProof(proofBytes);
  } catch {
    return undefined;
  }
}
