/**
 * DSSE envelopes, checkpoints and inclusion proofs, verified by the code that npm uses for package provenance (sigstore-js).
 *
 * What it is not asked, because it has no place for it:
 * - `Verifier` with a transparency log: the leaf has to be one of Rekor's record types (`dsse`, `intoto`, `hashedrekord`), which names the
 *   envelope by digests. Our leaf is the entry itself. So the envelope goes through `Verifier` with no log asked for, and the log entry
 *   through the function with which `Verifier` checks a checkpoint and an inclusion proof, which is not exported: hence the deep import.
 * - Growth: sigstore-js has no consistency proofs (Go's tlog and transparency-dev/merkle verify ours).
 * - Cosignatures, and notes whose text has a blank line: its note reader knows one signature by the log, and splits at the first blank line.
 * - Timestamps and certificates: a log's key is given to the verifier, as in our trust files.
 */
import { bundleFromJSON, type TransparencyLogEntry } from '@sigstore/bundle';
import { crypto, dsse } from '@sigstore/core';
import { toSignedEntity, type TrustMaterial, VerificationError, Verifier } from '@sigstore/verify';
import { verifyTLogInclusion } from '@sigstore/verify/dist/tlog/index.js';

import { describe, expect, it } from 'vitest';

import { sha256 } from '#crypto';
import { concat, hex, pae, parseProof, utf8 } from '#domain';

import { dsseOf } from '../../apps/cli/src/dsse.ts';
import { changed, forgeries, type GoldenLog, goldenLogs } from './golden.ts';

const logs = goldenLogs();

interface Envelope {
  readonly payload: string;
  readonly payloadType: string;
  readonly signatures: readonly [{ readonly keyid: string; readonly sig: string }];
}

const envelopes = logs.flatMap((log) => log.records.map((record) => ({ log, envelope: JSON.parse(dsseOf(log.seed, record)) as Envelope })));

describe('sigstore-js', () => {
  it('has the same pre-authentication encoding for every entry', () => {
    for (const { envelope } of envelopes) {
      const payload = Buffer.from(envelope.payload, 'base64');
      expect(hex(dsse.preAuthEncoding(envelope.payloadType, payload))).toBe(hex(pae(envelope.payloadType, payload)));
    }
    expect(hex(dsse.preAuthEncoding('ü/✓', Buffer.of()))).toBe(hex(pae('ü/✓', new Uint8Array(0)))); // lengths in bytes, not characters
  });

  it('accepts every entry as a DSSE envelope', () => {
    expect(envelopes.length).toBeGreaterThan(40);
    for (const { log, envelope } of envelopes) expect(verifyEnvelope(log, envelope), envelope.signatures[0].keyid).toBe('valid');
  });

  it('refuses every envelope with another type, payload, signature or key', () => {
    for (const { log, envelope } of envelopes) {
      const [{ keyid, sig }] = envelope.signatures;
      const other = logs.find((each) => each !== log) ?? log;
      expect(verifyEnvelope(log, { ...envelope, payloadType: 'application/json' })).toBe('SIGNATURE_ERROR');
      expect(verifyEnvelope(log, { ...envelope, payload: changed(envelope.payload, 30) })).toBe('SIGNATURE_ERROR');
      expect(verifyEnvelope(log, { ...envelope, signatures: [{ keyid, sig: changed(sig, 30) }] })).toBe('SIGNATURE_ERROR');
      expect(verifyEnvelope(other, envelope)).toBe('SIGNATURE_ERROR');
    }
  });

  it('accepts the checkpoint and the inclusion proof of every receipt', () => {
    for (const log of logs) for (const receipt of log.receipts) expect(verifyInclusion(log, receipt)).toBe('valid');
  });

  it('refuses every receipt with another entry, index, size, root, hash or signature', () => {
    for (const log of logs) {
      for (const receipt of log.receipts) {
        for (const [what, forged] of forgeries(receipt)) expect(verifyInclusion(log, forged), what).toBe('TLOG_INCLUSION_PROOF_ERROR');
      }
    }
  });

  it('refuses every receipt for the key of another log', () => {
    for (const log of logs) {
      const other = logs.find((each) => each !== log) ?? log;
      for (const receipt of log.receipts) expect(verifyInclusion(other, receipt)).toBe('TLOG_INCLUSION_PROOF_ERROR');
    }
  });
});

/** As a bundle with a public key (https://docs.sigstore.dev/about/bundle), read and verified; the hint is the envelope's keyid. */
function verifyEnvelope(log: GoldenLog, envelope: Envelope): string {
  return outcome(() => {
    const [{ keyid: hint }] = envelope.signatures;
    const bundle = bundleFromJSON({
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: { publicKey: { hint }, tlogEntries: [] },
      dsseEnvelope: envelope,
    });
    new Verifier(trusted(log), { tlogThreshold: 0, timestampThreshold: 0 }).verify(toSignedEntity(bundle));
  });
}

function verifyInclusion(log: GoldenLog, receipt: string): string {
  const { index, proof, checkpoint, entry: leaf } = parseProof(Buffer.from(receipt));
  const entry: TransparencyLogEntry = {
    ...{ logIndex: String(index), logId: { keyId: logIdOf(log) }, kindVersion: { kind: '', version: '' }, integratedTime: '0' },
    inclusionPromise: undefined,
    inclusionProof: {
      ...{ logIndex: String(index), rootHash: Buffer.of(), treeSize: '0' }, // looked up in the checkpoint
      hashes: proof.map((hash) => Buffer.from(hash)),
      checkpoint: { envelope: checkpoint },
    },
    canonicalizedBody: Buffer.from(leaf ?? new Uint8Array(0)),
  };
  return outcome(() => {
    verifyTLogInclusion(entry, trusted(log).tlogs);
  });
}

function trusted(log: GoldenLog): TrustMaterial {
  const publicKey = crypto.createPublicKey(Buffer.from(concat(ED25519_SPKI, log.verifier.publicKey)));
  const validFor = { start: new Date(0), end: new Date(8.64e15) };
  return {
    ...{ certificateAuthorities: [], timestampAuthorities: [], ctlogs: [] },
    tlogs: [{ logID: logIdOf(log), baseURL: log.verifier.name, publicKey, validFor }],
    publicKey: () => ({ publicKey, validFor: () => true }),
  };
}

/** All of the hash whose first four bytes are the key id of a signed note. */
const logIdOf = ({ verifier }: GoldenLog): Buffer =>
  Buffer.from(sha256(concat(utf8(`${verifier.name}\n`), Uint8Array.of(1), verifier.publicKey)));

/** Up to the 32 bytes of the key: RFC 8410 §4. */
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');

/** 'valid', or the code with which sigstore refuses. */
function outcome(verify: () => void): string {
  try {
    verify();
    return 'valid';
  } catch (error) {
    if (error instanceof VerificationError) return error.code;
    throw error;
  }
}
