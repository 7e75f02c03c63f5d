import { describe, expect, it } from 'vitest';

import { tenantOnly, tenantOrSystem } from './tenant.ts';

describe('--tenant', () => {
  it('is a tenant, or the system of a lane where that has a log to show', () => {
    for (const text of ['acme', 'a/b@c.d:e-f_g', 'x'.repeat(128)]) expect([tenantOnly(text), tenantOrSystem(text)]).toEqual([text, text]);
    for (const text of ['_system.0', '_system.17']) {
      expect(tenantOrSystem(text)).toBe(text);
      expect(() => tenantOnly(text)).toThrow('--tenant: expected a tenant');
    }
  });

  it.each(['', ' ', 'acme ', 'ac me', 'ümlaut', 'x'.repeat(129), '_acme', '_system', '_system.', '_system.01', 'a\nb'])(
    'is refused by its form: "%s"',
    (text) => {
      const message = expect.stringContaining(`got "${text}"`) as string;
      const refusal: unknown = expect.objectContaining({ name: 'CliError', exitCode: 2, message });
      expect(() => tenantOnly(text)).toThrow(refusal);
      expect(() => tenantOrSystem(text)).toThrow(refusal);
    },
  );
});
