/** C2SP tlog-cosignature, cosignature/v1: a witness states when it saw a checkpoint extend the last one. One key per cosigner. */
import { ed25519PublicKey, ed25519Sign, ed25519Verify } from '#crypto';

import { concat, u64be, utf8 } from './bytes.ts';
import { type NoteSignature, signatureLine } from './signed-note.ts';
import { COSIGNER_KEY, ed25519KeyId, type Verifier } from './vkey.ts';

// u64 POSIX seconds, then an Ed25519 signature.
const TIME_BYTES = 8;
const COSIGNATURE_BYTES = TIME_BYTES + 64;
const TIME_SECONDS_MAX = 2n ** 63n - 1n;

/** The signature line a witness answers with, without its newline. `body` is the checkpoint's three lines. */
export function cosign(body: string, signer: { name: string; seed: Uint8Array; timeSeconds: bigint }): string {
  const { name, seed, timeSeconds } = signer;
  if (timeSeconds < 0n || timeSeconds > TIME_SECONDS_MAX) throw new RangeError(`time out of range: ${timeSeconds} s`);
  const blob = concat(u64be(timeSeconds), ed25519Sign(seed, message(body, timeSeconds)));
  return signatureLine(name, ed25519KeyId(name, ed25519PublicKey(seed), COSIGNER_KEY), blob);
}

/** POSIX seconds the cosigner states, or undefined when the signature is not that cosigner's over this body. */
export function checkCosignature(body: string, signature: NoteSignature, cosigner: Verifier): bigint | undefined {
  if (signature.name !== cosigner.name || signature.keyId !== cosigner.keyId) return undefined;
  const blob = signature.signature;
  if (blob.length !== COSIGNATURE_BYTES) return undefined;
  const timeSeconds = new DataView(blob.buffer, blob.byteOffset).getBigUint64(0);
  if (timeSeconds > TIME_SECONDS_MAX) return undefined;
  return ed25519Verify(cosigner.publicKey, message(body, timeSeconds), blob.subarray(TIME_BYTES)) ? timeSeconds : undefined;
}

function message(body: string, timeSeconds: bigint): Uint8Array {
  return utf8(`cosignature/v1\ntime ${timeSeconds}\n${body}`);
}
