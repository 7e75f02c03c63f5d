import { createHash, createHmac, hkdfSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';

import { hex } from '../formats/bytes.ts';
import { actionDigest, bindingDigest, bytesMac, payloadDigest, requestDigest, ruleSetDigest } from './digests.ts';

const sha = (text: string) => createHash('sha256').update(text).digest('hex');
const action = {
  tenant: 'acme',
  actor: { kind: 'agent', id: 'bot' },
  class: 'c',
  operation: 'o',
  parameters: { b: 1, a: 0.5 },
  resource: { type: 't', id: 'r' },
};

// The expected texts are canonical JSON written by hand.
describe('digests', () => {
  it('payloadDigest is over the exact bytes', () => {
    expect(payloadDigest(Buffer.from('{}'))).toBe(sha('{}'));
  });

  it('requestDigest leaves out who signed and when, and nothing else', () => {
    const payload = { id: 'a', tenant: 'acme', keyid: 'k', blind: 'b', issuedAt: 'i', expiresAt: 'e', issuer: 'p' };
    expect(hex(requestDigest(payload))).toBe(sha('{"id":"a","issuer":"p","tenant":"acme"}'));
    expect(payload).toHaveProperty('keyid');
  });

  it('actionDigest says null for what is absent', () => {
    const rest = '"operation":"o","parameters":{"a":0.5,"b":1},"resource":{"id":"r","type":"t"},"tenant":"acme"}';
    expect(actionDigest(action)).toBe(
      sha(`{"actor":{"id":"bot","kind":"agent"},"class":"c","connector":null,"contractDigest":null,${rest}`),
    );
    expect(actionDigest({ ...action, connector: 'x', contractDigest: 'd' })).toBe(
      sha(`{"actor":{"id":"bot","kind":"agent"},"class":"c","connector":"x","contractDigest":"d",${rest}`),
    );
    expect(actionDigest({ ...action, id: 'other', evidence: [] } as never)).toBe(actionDigest(action));
  });

  it('ruleSetDigest does not depend on the order, and is that of [] for none', () => {
    expect(ruleSetDigest([])).toBe(sha('[]'));
    expect(ruleSetDigest([{ id: 'b' }, { id: 'B' }, { id: 'a' }])).toBe(sha('[{"id":"B"},{"id":"a"},{"id":"b"}]'));
  });

  it('bindingDigest binds action, place, rules and time', () => {
    const binding = { proposal: action, blind: 'z', contractDigest: null, expiresAt: 'e', index: '7', origin: 'l/t/x', ruleSetDigest: 'r' };
    const text = `{"actionDigest":"${actionDigest(action)}","blind":"z","contractDigest":null,"expiresAt":"e","index":"7","origin":"l/t/x","ruleSetDigest":"r"}`;
    expect(bindingDigest(binding)).toBe(sha(text));
  });

  it('bytesMac is an HMAC under a key derived from the input key', () => {
    const inputKey = Buffer.alloc(32, 5);
    const key = Buffer.from(hkdfSync('sha256', inputKey, '', 'countersign/salt/v1\0', 32));
    expect(bytesMac(inputKey, Buffer.from('abc'))).toBe(createHmac('sha256', key).update('abc').digest('hex'));
  });
});
