import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';

import { sha256 } from '#crypto';

import { concat, fromHex, hex, u32be, utf8 } from './bytes.ts';
import { consistencyProof, inclusionProof, tailInclusionProofs } from './merkle-prove.ts';
import { ProofError, verifyConsistency, verifyInclusion } from './merkle-verify.ts';
import { appendLeaf, type CompactRange, EMPTY_RANGE, EMPTY_ROOT, leafHash, nodeHash, rangeRoot, rootOf } from './merkle.ts';

vi.setConfig({ testTimeout: 60_000 }); // some go through every bit or every pair; a busy machine is no failure
fc.configureGlobal(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) });

const MAX = 257;
const leaves = Array.from({ length: MAX }, (_, index) => leafHash(u32be(index)));
const ranges = leaves.reduce<CompactRange[]>((all, leaf) => [...all, appendLeaf(all.at(-1) ?? EMPTY_RANGE, leaf)], [EMPTY_RANGE]);
const at = <T>(list: readonly T[], index: number): T => list[index] as T;

// The oracle: the recursive definitions of RFC 9162 §2.1, word for word, remembering subtrees.
const memo = new Map<number, Uint8Array>();
function mth(begin: number, end: number): Uint8Array {
  if (end === begin) return sha256(new Uint8Array(0));
  if (end === begin + 1) return at(leaves, begin);
  const known = memo.get(begin * 1000 + end);
  if (known !== undefined) return known;
  const k = splitOf(end - begin);
  const hash = sha256(concat(Uint8Array.of(1), mth(begin, begin + k), mth(begin + k, end)));
  memo.set(begin * 1000 + end, hash);
  return hash;
}
function splitOf(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}
function path(m: number, begin: number, end: number): Uint8Array[] {
  if (end - begin === 1) return [];
  const k = splitOf(end - begin);
  return m < k ? [...path(m, begin, begin + k), mth(begin + k, end)] : [...path(m - k, begin + k, end), mth(begin, begin + k)];
}
function subproof(m: number, begin: number, end: number, whole: boolean): Uint8Array[] {
  if (m === end - begin) return whole ? [] : [mth(begin, end)];
  const k = splitOf(end - begin);
  return m <= k
    ? [...subproof(m, begin, begin + k, whole), mth(begin + k, end)]
    : [...subproof(m - k, begin + k, end, false), mth(begin, begin + k)];
}
const flip = (bytes: Uint8Array, bit: number): Uint8Array =>
  bytes.map((byte, index) => (index === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
const inclusion = (index: number, size: number, proof: Uint8Array[]) => ({
  index: BigInt(index),
  size: BigInt(size),
  leafHash: at(leaves, index),
  root: mth(0, size),
  proof,
});
const consistency = (size1: number, size2: number, proof: Uint8Array[]) => ({
  size1: BigInt(size1),
  size2: BigInt(size2),
  root1: mth(0, size1),
  root2: mth(0, size2),
  proof,
});

describe('roots', () => {
  // The 8-leaf tree of the RFC 6962 reference implementation's tests (google/certificate-transparency).
  const known = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(fromHex);
  test.each([
    [0, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    [1, '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
    [2, 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125'],
    [3, 'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77'],
    [4, 'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7'],
    [5, '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4'],
    [6, '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef'],
    [7, 'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c'],
    [8, '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328'],
  ])('of the standard tree at size %i', (size, root) => {
    const hashes = known.slice(0, size).map(leafHash);
    expect(hex(rootOf(hashes))).toBe(root);
    expect(hex(rangeRoot(hashes.reduce(appendLeaf, EMPTY_RANGE)))).toBe(root);
    expect(hex(EMPTY_ROOT)).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  });

  test('of a leaf', () => {
    expect(hex(leafHash(utf8('L123456')))).toBe('395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56');
  });

  test('of a leaf larger than the shared buffer', () => {
    const entry = new Uint8Array(40_000).fill(7);
    expect(leafHash(entry)).toEqual(sha256(concat(Uint8Array.of(0), entry)));
    expect(leafHash(Uint8Array.of(1))).toEqual(sha256(Uint8Array.of(0, 1)));
  });

  test('at every size equal the oracle, linear and appended', () => {
    for (let size = 0; size <= MAX; size++) {
      expect(hex(rootOf(leaves.slice(0, size)))).toBe(hex(mth(0, size)));
      expect(hex(rangeRoot(at(ranges, size)))).toBe(hex(mth(0, size)));
    }
  });

  test('need as many peaks as the size has bits', () => {
    expect(() => rangeRoot({ size: 3, hashes: [EMPTY_ROOT] })).toThrow(RangeError);
    expect(() => appendLeaf({ size: -1, hashes: [] }, EMPTY_ROOT)).toThrow(RangeError);
  });
});

describe('inclusion', () => {
  test('of every leaf in every tree to 257 leaves verifies, as the oracle proves it', () => {
    for (let size = 1; size <= MAX; size++) {
      const { proofs } = tailInclusionProofs(EMPTY_RANGE, leaves.slice(0, size));
      for (const [index, proof] of proofs.entries()) {
        if (proof.map(hex).join() !== path(index, 0, size).map(hex).join()) expect.fail(`leaf ${index} of ${size}`);
        verifyInclusion(inclusion(index, size, proof));
      }
    }
  });

  test('proved one by one is the same', () => {
    for (const size of [...Array(64).keys(), 127, 128, 129, 255, 256, 257]) {
      for (let index = 0; index < size; index += size > 64 ? 7 : 1) {
        expect(inclusionProof(leaves, index, size).map(hex)).toEqual(path(index, 0, size).map(hex));
      }
    }
    for (const [index, size] of [
      [-1, 3],
      [3, 3],
      [0, 0],
      [0, MAX + 1],
      [0.5, 3],
    ] as const) {
      expect(() => inclusionProof(leaves, index, size)).toThrow(RangeError);
    }
  });

  test('with any one bit of leaf, root or proof changed is refused', () => {
    for (let size = 1; size <= MAX; size += size < 17 ? 1 : 40) {
      for (let index = 0; index < size; index += size < 17 ? 1 : 29) {
        const good = inclusion(index, size, path(index, 0, size));
        const bits = size === 7 ? Array.from({ length: 256 }, (_, bit) => bit) : [0, 255, (index * 31 + size) % 256];
        for (const bit of bits) {
          expectRefused(() => {
            verifyInclusion({ ...good, leafHash: flip(good.leafHash, bit) });
          });
          expectRefused(() => {
            verifyInclusion({ ...good, root: flip(good.root, bit) });
          });
          for (const which of good.proof.keys()) {
            expectRefused(() => {
              verifyInclusion({ ...good, proof: good.proof.map((hash, k) => (k === which ? flip(hash, bit) : hash)) });
            });
          }
        }
      }
    }
  });

  test('at another index or of another length is refused', () => {
    for (let size = 2; size <= 24; size++) {
      for (let index = 0; index < size; index++) {
        const good = inclusion(index, size, path(index, 0, size));
        for (let other = 0; other <= size; other++) {
          if (other !== index)
            expectRefused(() => {
              verifyInclusion({ ...good, index: BigInt(other) });
            });
        }
        expectRefused(() => {
          verifyInclusion({ ...good, proof: good.proof.slice(1) });
        });
        expectRefused(() => {
          verifyInclusion({ ...good, proof: [...good.proof, EMPTY_ROOT] });
        }, 'PROOF_LENGTH');
        expectRefused(() => {
          verifyInclusion({ ...good, proof: good.proof.map((hash) => hash.subarray(1)) });
        });
      }
    }
    const big = inclusion(0, 1, []);
    expectRefused(() => {
      verifyInclusion({ ...big, size: 2n ** 64n });
    });
    expectRefused(() => {
      verifyInclusion({ ...big, index: -1n });
    });
    expectRefused(() => {
      verifyInclusion({ ...big, proof: Array.from({ length: 200_000 }, () => EMPTY_ROOT) });
    });
  });
});

describe('consistency', () => {
  test('of every two sizes to 257 verifies, as the oracle proves it', () => {
    for (let size2 = 0; size2 <= MAX; size2++) {
      for (let size1 = 0; size1 <= size2; size1++) {
        const proof = size1 === 0 ? [] : subproof(size1, 0, size2, true);
        verifyConsistency(consistency(size1, size2, proof));
        const prove = size2 <= 80 || (size2 >= 255 && size1 % 5 === 0);
        if (prove && consistencyProof(leaves, size1, size2).map(hex).join() !== proof.map(hex).join()) expect.fail(`${size1} to ${size2}`);
      }
    }
    for (const [size1, size2] of [
      [-1, 3],
      [4, 3],
      [0, MAX + 1],
      [0.5, 3],
    ] as const) {
      expect(() => consistencyProof(leaves, size1, size2)).toThrow(RangeError);
    }
  });

  test('with any one bit of a root or proof changed is refused', () => {
    for (let size2 = 1; size2 <= MAX; size2 += size2 < 17 ? 1 : 40) {
      for (let size1 = 0; size1 <= size2; size1 += size2 < 17 ? 1 : 29) {
        const good = consistency(size1, size2, consistencyProof(leaves, size1, size2));
        const bits = size2 === 7 ? Array.from({ length: 256 }, (_, bit) => bit) : [0, 255, (size1 * 31 + size2) % 256];
        for (const bit of bits) {
          expectRefused(() => {
            verifyConsistency({ ...good, root1: flip(good.root1, bit) });
          });
          if (size1 > 0)
            expectRefused(() => {
              verifyConsistency({ ...good, root2: flip(good.root2, bit) });
            });
          for (const which of good.proof.keys()) {
            expectRefused(() => {
              verifyConsistency({ ...good, proof: good.proof.map((hash, k) => (k === which ? flip(hash, bit) : hash)) });
            });
          }
        }
      }
    }
  });

  test('of equal sizes needs equal roots and no proof, whatever the root is', () => {
    const root1 = Uint8Array.of(1);
    verifyConsistency({ size1: 1n, size2: 1n, root1, root2: Uint8Array.of(1), proof: [] });
    expectRefused(() => {
      verifyConsistency({ size1: 1n, size2: 1n, root1, root2: Uint8Array.of(2), proof: [] });
    }, 'ROOT_MISMATCH');
    expectRefused(() => {
      verifyConsistency({ size1: 1n, size2: 2n, root1, root2: EMPTY_ROOT, proof: [EMPTY_ROOT] });
    }, 'HASH_LENGTH');
  });

  test('of two empty trees needs the one root that an empty tree has', () => {
    const other = new Uint8Array(32).fill(1);
    verifyConsistency({ size1: 0n, size2: 0n, root1: EMPTY_ROOT, root2: EMPTY_ROOT, proof: [] });
    for (const size2 of [0n, 7n]) {
      expectRefused(() => {
        verifyConsistency({ size1: 0n, size2, root1: other, root2: other, proof: [] });
      }, 'ROOT_MISMATCH');
    }
  });

  test('of sizes the wrong way round, or with a hash too many or too few, is refused', () => {
    for (let size2 = 1; size2 <= 24; size2++) {
      for (let size1 = 0; size1 <= size2; size1++) {
        const good = consistency(size1, size2, consistencyProof(leaves, size1, size2));
        expectRefused(() => {
          verifyConsistency({ ...good, proof: [...good.proof, EMPTY_ROOT] });
        }, 'PROOF_LENGTH');
        if (good.proof.length > 0)
          expectRefused(() => {
            verifyConsistency({ ...good, proof: good.proof.slice(0, -1) });
          });
        if (size1 < size2)
          expectRefused(() => {
            verifyConsistency({ ...good, size1: good.size2, size2: good.size1 });
          });
      }
    }
  });
});

describe('tail proofs', () => {
  test('from any old size equal the proofs made from all leaves', () => {
    fc.assert(
      fc.property(fc.nat(MAX), fc.nat(40), (size, more) => {
        const end = Math.min(size + more, MAX);
        const tail = tailInclusionProofs(at(ranges, size), leaves.slice(size, end));
        expect(hex(tail.root)).toBe(hex(mth(0, end)));
        expect(tail.range).toEqual(at(ranges, end));
        expect(tail.proofs.map((proof) => proof.map(hex))).toEqual(
          leaves.slice(size, end).map((_, offset) => path(size + offset, 0, end).map(hex)),
        );
      }),
      { numRuns: 300 },
    );
  });

  test('work beyond 2^32 leaves', () => {
    const size = 2 ** 40 + 5; // peaks of 2^40, 4 and 1 leaves
    const range = { size, hashes: [sha256(Uint8Array.of(40)), sha256(Uint8Array.of(2)), sha256(Uint8Array.of(0))] };
    const tail = tailInclusionProofs(range, leaves.slice(0, 9));
    expect(tail.range).toEqual(leaves.slice(0, 9).reduce(appendLeaf, range));
    expect(hex(tail.root)).toBe(hex(rangeRoot(tail.range)));
    for (const [offset, proof] of tail.proofs.entries()) {
      const index = BigInt(size + offset);
      verifyInclusion({ index, size: BigInt(size + 9), leafHash: at(leaves, offset), root: tail.root, proof });
    }
  });
});

test('leaves and nodes hash apart', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array({ minLength: 32, maxLength: 32 }), (left, right) => {
      expect(hex(leafHash(concat(left, right)))).not.toBe(hex(nodeHash(left, right)));
    }),
  );
});

function expectRefused(verify: () => void, code?: string): void {
  try {
    verify();
  } catch (error) {
    if (error instanceof ProofError && error.code === (code ?? error.code)) return;
    throw error;
  }
  expect.fail('verified what it must refuse');
}
