/** Offline verification, the same in Node and in browsers: this file and what it imports use nothing that only Node has. */
export {
  formatTrust,
  parseProof,
  parseTrust,
  ReceiptError,
  type ReceiptCode,
  type ReceiptPins,
  type Trust,
  TrustError,
  verifyCheckpoint,
  type VerifiedReceipt,
  verifyReceipt,
} from '#domain';
export { ReceiptVerifier, type CheckedReceipt } from './receipt-verifier.ts';
