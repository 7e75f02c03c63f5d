import { consistencyProof, inclusionProof, leafHash, rootOf } from '#domain';

import { around, b64, flipped, holds, refused } from './cases.mjs';

/** The eight leaves that RFC 6962 implementations have tested with since the first; roots of sizes 0 to 8 as everyone publishes them. */
const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const ROOTS = `
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d
fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125
aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77
d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7
4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4
76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef
ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c
5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328`
  .trim()
  .split('\n')
  .map((line) => Buffer.from(line, 'hex'));
const leaves = LEAVES.map((text) => Buffer.from(text, 'hex'));
const hashes = leaves.map(leafHash);
const U64_MAX = '18446744073709551615';

export function merkleRoot() {
  return [
    ...ROOTS.map((root, size) => holds(`the standard tree of ${size}`, { leaves: leaves.slice(0, size).map(b64) }, { output: b64(root) })),
    refused('base64 without padding', { leaves: ['AA'] }),
    refused('base64 whose last bits are not zero', { leaves: ['AB=='] }),
    refused('a leaf that is a number', { leaves: [0] }),
    refused('no leaves member', {}),
  ];
}

export function inclusion() {
  const all = pairs((size, index) => holds(`leaf ${index} of ${size}`, inclusionOf(index, size)));
  const good = inclusionOf(2, 7);
  const bad = around(
    'leaf 2 of 7, once more',
    good,
    {},
    {
      'the next index': { index: '3' },
      'an index that is the size': { index: '7' },
      'the largest index': { index: U64_MAX },
      'an index beyond 64 bits': { index: '18446744073709551616' },
      'a leading zero': { index: '02' },
      'a number instead of a decimal string': { index: 2 },
      'a negative index': { index: '-1' },
      'a size whose path is longer': { size: '9' },
      'a size whose path is shorter': { size: '4' },
      'size 0': { size: '0' },
      'another leaf': { leafHash: b64(hashes[3]) },
      'a root with one bit changed': { root: b64(flipped(ROOTS[7], 31, 7)) },
      'a hash with one bit changed': { proof: [b64(flipped(Buffer.from(good.proof[0], 'base64'))), ...good.proof.slice(1)] },
      'a proof with a hash too few': { proof: good.proof.slice(0, -1) },
      'a proof with a hash too many': { proof: [...good.proof, b64(ROOTS[0])] },
      'a proof in the wrong order': { proof: [...good.proof].reverse() },
      'no proof': { proof: [] },
      'a proof of 66 hashes': { proof: Array.from({ length: 66 }, () => b64(ROOTS[0])) },
      'a hash of 31 bytes': { proof: [b64(new Uint8Array(31)), ...good.proof.slice(1)] },
      'a root of 33 bytes': { root: b64(new Uint8Array(33)) },
      base64url: { root: b64(ROOTS[7]).replaceAll('+', '-').replaceAll('/', '_').replace('=', '') },
    },
  );
  return [...all, ...bad, ...farRight()];
}

export function consistency() {
  const all = pairs((size2, at) => holds(`${at + 1} to ${size2}`, consistencyOf(at + 1, size2)));
  const good = consistencyOf(3, 7);
  const bad = around(
    '3 to 7, once more',
    good,
    {},
    {
      'sizes the wrong way round': { size1: '7', size2: '3' },
      'roots the wrong way round': { root1: good.root2, root2: good.root1 },
      'another first size': { size1: '2' },
      'another second size': { size2: '9' },
      'a first root with one bit changed': { root1: b64(flipped(ROOTS[3])) },
      'a second root with one bit changed': { root2: b64(flipped(ROOTS[7])) },
      'no proof': { proof: [] },
      'a hash too few': { proof: good.proof.slice(1) },
      'a hash too many': { proof: [...good.proof, b64(ROOTS[0])] },
      'equal sizes with two roots': { size1: '7', size2: '7', proof: [] },
      'equal sizes with a proof': { size1: '7', size2: '7', root1: good.root2 },
      'size 0 with a root that is not the empty one': { size1: '0', root1: b64(ROOTS[1]), proof: [] },
      'size 0 with a proof': { size1: '0', root1: b64(ROOTS[0]) },
      'a size beyond 64 bits': { size2: '18446744073709551623' },
    },
  );
  return [...all, ...bad, holds('from the empty tree', { ...good, size1: '0', root1: b64(ROOTS[0]), proof: [] })];
}

/** Every 1 ≤ size ≤ 8 and index < size. */
const pairs = (make) => leaves.flatMap((_, at) => leaves.slice(0, at + 1).map((_leaf, index) => make(at + 1, index)));

const inclusionOf = (index, size) => ({
  index: String(index),
  size: String(size),
  leafHash: b64(hashes[index]),
  root: b64(ROOTS[size]),
  proof: inclusionProof(hashes, index, size).map(b64),
});

const consistencyOf = (size1, size2) => ({
  size1: String(size1),
  size2: String(size2),
  root1: b64(ROOTS[size1]),
  root2: b64(ROOTS[size2]),
  proof: consistencyProof(hashes, size1, size2).map(b64),
});

/** The last leaf of a tree of 2^64 − 1: every hash of its path is a left sibling. Doubles would round both numbers. */
function farRight() {
  const index = '18446744073709551614';
  const peaks = Array.from({ length: 63 }, (_, at) => leafHash(Buffer.from(`peak ${at}`)));
  const [leaf] = hashes;
  const root = peaks.reduce((right, left) => nodeOf(left, right), leaf);
  const good = { index, size: U64_MAX, leafHash: b64(leaf), root: b64(root), proof: peaks.map(b64) };
  return around('the last leaf of a tree of 2^64 - 1', good, {}, { 'one leaf before it': { index: '18446744073709551613' } });
}

const nodeOf = (left, right) => rootOf([left, right]);
