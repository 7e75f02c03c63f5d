/** What vectors may ask, each answered by the code that the product itself uses. A refusal is a FormatError. */
import { ed25519Verify } from '#crypto';
import {
  base64,
  canonicalBytes,
  checkPublicKey,
  checkQuorum,
  FormatError,
  fromUtf8,
  leafHash,
  pae,
  parseJson,
  parseNote,
  parseProof,
  parseTrust,
  parseVkey,
  rootOf,
  utf8,
  verifyCheckpoint,
  verifyConsistency,
  verifyDsse,
  verifyInclusion,
} from '#domain';

import type { Request } from './request.ts';

class Refused extends FormatError<'BAD_SIGNATURE' | 'QUORUM'> {}

/** Levels of arrays and objects: where common JSON readers end. An entry has far fewer. */
const JCS_DEPTH_MAX = 1000;

/** Members of the answer beside `id` and `ok`. */
export type Output = Readonly<Record<string, string>>;

/** Throws FormatError for what does not hold. */
export const OPERATIONS: ReadonlyMap<string, (request: Request) => Output> = new Map([
  ['inclusion', inclusion],
  ['consistency', consistency],
  ['merkle-root', merkleRoot],
  ['jcs', jcs],
  ['ed25519-verify', signature],
  ['dsse-pae', dssePae],
  ['dsse-verify', dsse],
  ['checkpoint-parse', checkpoint],
  ['policy-check', policy],
  ['tlog-proof', tlogProof],
]);

function inclusion(request: Request): Output {
  const claim = { index: request.u64('index'), size: request.u64('size'), root: request.bytes('root') };
  verifyInclusion({ ...claim, leafHash: request.bytes('leafHash'), proof: request.list('proof') });
  return {};
}

function consistency(request: Request): Output {
  const sizes = { size1: request.u64('size1'), size2: request.u64('size2') };
  verifyConsistency({ ...sizes, root1: request.bytes('root1'), root2: request.bytes('root2'), proof: request.list('proof') });
  return {};
}

function merkleRoot(request: Request): Output {
  return { output: base64(rootOf(request.list('leaves').map(leafHash))) };
}

function jcs(request: Request): Output {
  const depth = { maxDepth: JCS_DEPTH_MAX };
  const value = parseJson(fromUtf8(request.bytes('input')), { ...depth, roundsNumbers: true }); // RFC 8785's own examples are rounded
  return { output: base64(canonicalBytes(value, depth)) };
}

function signature(request: Request): Output {
  const publicKey = request.hex('publicKey');
  const [message, sig] = [request.hex('msg'), request.hex('sig')];
  checkPublicKey(publicKey);
  if (!ed25519Verify(publicKey, message, sig)) throw new Refused('BAD_SIGNATURE', 'signature does not verify');
  return {};
}

function dssePae(request: Request): Output {
  return { output: base64(pae(request.text('payloadType'), request.bytes('payload'))) };
}

function dsse(request: Request): Output {
  const publicKey = request.bytes('publicKey');
  checkPublicKey(publicKey);
  return { payload: base64(verifyDsse(request.text('envelope'), { publicKey, payloadType: request.text('payloadType') })) };
}

function checkpoint(request: Request): Output {
  const verifier = parseVkey(request.text('vkey'));
  const { origin, size, root } = verifyCheckpoint(request.bytes('note'), { origin: request.text('origin'), verifier });
  return { origin, size: size.toString(), root: base64(root) };
}

/** The cosignatures alone: whether the log signed is checkpoint-parse's question. */
function policy(request: Request): Output {
  const trust = parseTrust(request.text('policy'));
  if (!checkQuorum(trust, parseNote(request.bytes('note'))).met) throw new Refused('QUORUM', `quorum ${trust.quorum} is not met`);
  return {};
}

/** Any entry, not only ours: the proof file, the checkpoint in it, and that `entry` is the proved leaf. `extra` is not looked at. */
function tlogProof(request: Request): Output {
  const verifier = parseVkey(request.text('vkey'));
  const file = parseProof(request.bytes('proof'));
  const { size, root } = verifyCheckpoint(utf8(file.checkpoint), { origin: request.text('origin'), verifier });
  verifyInclusion({ index: file.index, size, root, leafHash: leafHash(request.bytes('entry')), proof: file.proof });
  return {};
}
