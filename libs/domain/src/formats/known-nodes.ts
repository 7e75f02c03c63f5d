/** Proofs in one tree have the upper part of their paths in common: what the last one hashed there need not be hashed again. */
import { equalBytes } from './bytes.ts';
import { HASH_BYTES, nodeHash } from './merkle.ts';

/**
 * `nodeHash`, remembering one node of each height. It believes nothing: a hash is given again only for both its children, byte for byte,
 * which are copied, so that nobody changes them afterwards. 140 bytes a height, of which a tree has 64 at most.
 */
export class KnownNodes {
  readonly #nodes: Node[] = [];

  /** `height` counts from anywhere, the same way each time. Both children are hashes. */
  hash(height: number, left: Uint8Array, right: Uint8Array): Uint8Array {
    const node = (this.#nodes[height] ??= { left: new Uint8Array(HASH_BYTES), right: new Uint8Array(HASH_BYTES), hash: undefined });
    if (node.hash !== undefined && equalBytes(node.right, right) && equalBytes(node.left, left)) return node.hash;
    node.hash = undefined;
    node.left.set(left);
    node.right.set(right);
    return (node.hash = nodeHash(left, right));
  }
}

interface Node {
  readonly left: Uint8Array;
  readonly right: Uint8Array;
  hash: Uint8Array | undefined;
}
