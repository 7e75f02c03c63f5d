import { equalBytes, hex } from '../formats/bytes.ts';
import { verifyCheckpoint, type Checkpoint } from '../formats/checkpoint.ts';
import { rangeRoot } from '../formats/merkle.ts';
import { parseVkey } from '../formats/vkey.ts';
import { type LaneHeads, treeAt, type TreeHead } from '../ledger/heads.ts';
import type { SealedBatch } from '../ledger/sealed-batch.ts';
import type { Findings } from './report.ts';

/** Roots of every tree at the end of every sealed batch, recomputed from entries; I10 compares what was signed with them. */
export class Roots {
  readonly #byOrigin = new Map<string, Map<number, Uint8Array>>();

  constructor(private readonly findings: Findings) {}

  /** `heads` as they are right after the batch. */
  note(heads: LaneHeads, batch: SealedBatch): void {
    const touched = new Map(batch.entries.map(({ record, statement }) => [statement.predicate.origin, record.tenant]));
    for (const [origin, tenant] of touched) {
      const tree = treeAt(heads, tenant, origin);
      if (!tree) continue;
      const roots = this.#byOrigin.get(tree.origin) ?? new Map<number, Uint8Array>();
      this.#byOrigin.set(tree.origin, roots);
      roots.set(tree.range.size, rangeRoot(tree.range));
    }
  }

  /** undefined where no batch that was read ends. */
  at(origin: string, size: bigint): Uint8Array | undefined {
    return this.#byOrigin.get(origin)?.get(Number(size));
  }

  /** A checkpoint that carries the log's signature. */
  signed({ origin, size, root }: Checkpoint): void {
    this.findings.checked('I10');
    const expected = this.at(origin, size);
    if (!expected) this.findings.violated('I10', `${origin}: a checkpoint of size ${size} is signed, where no batch of the ledger ends`);
    else if (!equalBytes(expected, root)) {
      this.findings.violated('I10', `${origin}: size ${size} is signed with root ${hex(root)}, the ledger has ${hex(expected)}`);
    }
  }
}

/** undefined when the log did not sign the note: then it says nothing. */
export function signedBy({ origin, vkey }: Pick<TreeHead, 'origin' | 'vkey'>, note: Uint8Array): Checkpoint | undefined {
  try {
    return verifyCheckpoint(note, { origin, verifier: parseVkey(vkey) });
  } catch {
    return undefined;
  }
}
