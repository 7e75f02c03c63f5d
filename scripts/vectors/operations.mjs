import { dssePae, dsseVerify } from './dsse.mjs';
import { ed25519 } from './ed25519.mjs';
import { jcs } from './jcs.mjs';
import { consistency, inclusion, merkleRoot } from './merkle.mjs';
import { checkpoint, policy, tlogProof } from './notes.mjs';

/** Operation → its cases, in the order of their ids. */
export const OPERATIONS = {
  inclusion,
  consistency,
  'merkle-root': merkleRoot,
  jcs,
  'ed25519-verify': ed25519,
  'dsse-pae': dssePae,
  'dsse-verify': dsseVerify,
  'checkpoint-parse': checkpoint,
  'policy-check': policy,
  'tlog-proof': tlogProof,
};
