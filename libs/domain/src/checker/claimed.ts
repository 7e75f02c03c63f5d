import { equalBytes, hex, utf8 } from '../formats/bytes.ts';
import { parseCanonical } from '../formats/canonical-json.ts';
import { parseCheckpoint, type Checkpoint } from '../formats/checkpoint.ts';
import { parseNote } from '../formats/signed-note.ts';
import { parseProof } from '../formats/tlog-proof.ts';
import type { TreeHead } from '../ledger/heads.ts';
import type { WireCodec } from '../ledger/record.ts';
import type { SealedEntry } from '../ledger/sealed-batch.ts';
import { NESTING_MAX } from '../payloads/kinds.ts';
import type { Findings } from './report.ts';
import { type Roots, signedBy } from './roots.ts';

/**
 * I10 for what a claim was granted by: the checkpoint of its receipt is one of the ledger's own, so the entry that the receipt proves is the one at
 * that index. The log's key alone can sign a tree that never was, and a permit in it: a decider that believed it convicts itself here. One that was
 * refused is named, as it shows a log's key in other hands.
 */
export class Claimed {
  constructor(
    private readonly roots: Roots,
    private readonly wire: WireCodec,
    private readonly findings: Findings,
  ) {}

  /** `entry` is `claim.granted` or `claim.refused`, `value` the exact Kafka value of the claim, `tree` the log that the entry is in. */
  check({ kind, statement: { predicate } }: SealedEntry, value: Uint8Array, tree: TreeHead): void {
    const note = noteOf(value, this.wire);
    const checkpoint = note === undefined ? undefined : toldBy(note);
    if (note === undefined || checkpoint?.origin !== tree.origin) return; // then nothing was granted by it: deciding again says so (I7)
    if (kind === 'claim.granted') this.findings.checked('I10');
    const own = this.roots.at(tree.origin, checkpoint.size);
    if (own && equalBytes(own, checkpoint.root)) return;
    if (kind === 'claim.refused' && !signedBy(tree, utf8(note))) return;
    const where = `${tree.origin} index ${predicate.index}`;
    const what = `a claim shows size ${checkpoint.size} with root ${hex(checkpoint.root)}, and ${own ? `the ledger has ${hex(own)}` : 'no batch of the ledger ends there'}`;
    if (kind === 'claim.granted') this.findings.violated('I10', `${where}: ${what}`);
    else
      this.findings.noted(
        'I10',
        `${where}: ${what}. It was refused. But the log’s key signed it, which no notary of ours did: docs/keys.md says what to do about a key in other hands`,
      );
  }
}

/** The signed note of the receipt that a claim brings; undefined when there is none in it. */
function noteOf(value: Uint8Array, wire: WireCodec): string | undefined {
  try {
    const envelope = wire.decodeEnvelope(value);
    const { receipt } = parseCanonical(envelope?.payload ?? utf8('{}'), { maxDepth: NESTING_MAX }) as { readonly receipt?: unknown };
    return typeof receipt === 'string' ? parseProof(utf8(receipt)).checkpoint : undefined;
  } catch {
    return undefined;
  }
}

function toldBy(note: string): Checkpoint | undefined {
  try {
    return parseCheckpoint(parseNote(utf8(note)).text);
  } catch {
    return undefined;
  }
}
