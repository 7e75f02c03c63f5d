import fc from 'fast-check';
import { createDecipheriv, hkdfSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';

import { InputError, openInput, sealInput } from './input-crypto.ts';

const key = new Uint8Array(32).fill(3);

describe('sealed input', () => {
  it('opens to the same bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (value) => Buffer.from(value).equals(openInput(sealInput(value, key), key))));
  });

  it('is nonce, AES-256-GCM ciphertext and tag under a derived key', () => {
    const sealed = Buffer.from(sealInput(Buffer.from('value'), key));
    const derived = Buffer.from(hkdfSync('sha256', key, '', 'countersign/input/v1\0', 32));
    const decipher = createDecipheriv('aes-256-gcm', derived, sealed.subarray(0, 12), { authTagLength: 16 }).setAuthTag(
      sealed.subarray(-16),
    );
    expect(decipher.update(sealed.subarray(12, -16)).toString() + decipher.final('utf8')).toBe('value');
  });

  it('differs each time', () => {
    expect(sealInput(key, key)).not.toStrictEqual(sealInput(key, key));
  });

  it('does not open with another key, cut short, or with any bit changed', () => {
    const sealed = sealInput(Buffer.from('value'), key);
    expect(() => openInput(sealed, new Uint8Array(32).fill(4))).toThrow(InputError);
    for (let end = 0; end < sealed.length; end++) expect(() => openInput(sealed.subarray(0, end), key)).toThrow(InputError);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => openInput(changed, key)).toThrow(InputError);
    }
  });
});
