import { ed25519PublicKey, ed25519Sign } from '#crypto';

import { around, flipped, hex, holds, refused, seed } from './cases.mjs';

/** RFC 8032 §7.1, TEST 1 to 3 and SHA(abc): public key, message, signature. */
const RFC = [
  [
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
];
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

export function ed25519() {
  const key = seed(1);
  const msg = Buffer.from('message');
  const sig = Buffer.from(ed25519Sign(key, msg));
  const publicKey = hex(ed25519PublicKey(key));
  const good = { publicKey, msg: hex(msg), sig: hex(sig) };
  return [
    ...RFC.map(([known, text, by], at) => holds(`RFC 8032 §7.1 TEST ${at + 1}`, { publicKey: known, msg: text, sig: by })),
    ...around(
      'a message',
      good,
      {},
      {
        'another message': { msg: hex(flipped(msg)) },
        'another key': { publicKey: hex(ed25519PublicKey(seed(2))) },
        'one bit of R': { sig: hex(flipped(sig)) },
        'one bit of S': { sig: hex(flipped(sig, 40)) },
        'S plus the group order': { sig: hex(addOrder(sig)) },
        'a signature of 63 bytes': { sig: hex(sig.subarray(0, 63)) },
        'a signature of 65 bytes': { sig: `${hex(sig)}00` },
        'no signature': { sig: '' },
        'a signature of zeros': { sig: '00'.repeat(64) },
        'a key of 31 bytes': { publicKey: publicKey.slice(2) },
        'upper case': { sig: hex(sig).toUpperCase() },
        'hex of an odd length': { msg: 'abc' },
      },
    ),
    ...WEAK.map(([comment, weak]) => refused(comment, { publicKey: weak, msg: '', sig: `01${'00'.repeat(63)}` })),
  ];
}

/** Keys that many verifiers take: for the first, R = 1 and S = 0 sign every message. */
const WEAK = [
  ['the neutral point', `01${'00'.repeat(31)}`],
  ['order 2', `ec${'ff'.repeat(30)}7f`],
  ['order 4', '00'.repeat(32)],
  ['order 4, x negative', `${'00'.repeat(31)}80`],
  ['order 8', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'],
  ['order 8, the other one', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'],
  ['y = p, another spelling of 0', `ed${'ff'.repeat(30)}7f`],
  ['y = p + 1, another spelling of 1', `ee${'ff'.repeat(30)}7f`],
  ['y = 1 with the sign of x = 0 set', `01${'00'.repeat(30)}80`],
  ['no point of the curve', `02${'00'.repeat(31)}`],
];

/** RFC 8032 §5.1.7 refuses S ≥ L: else each signature has a second spelling. */
function addOrder(sig) {
  const s = BigInt(`0x${hex(Buffer.from(sig.subarray(32)).reverse())}`) + ORDER;
  return Buffer.concat([sig.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse()]);
}
