import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';

import { TokenBook } from './token-book.ts';

const hash = (bearer: string): string => createHash('sha256').update(bearer).digest('hex');
const fact = {
  tenant: 'acme',
  token: 't1',
  tokenHash: hash('cs_one'),
  roles: ['read'] as const,
  says: { rules: 2, actors: undefined } as const,
  validUntilMs: 1000,
};
const book = (): TokenBook => {
  const made = new TokenBook();
  made.issue(fact);
  return made;
};

describe('token book', () => {
  it('knows a token by the hash of its bearer string', () => {
    expect(book().check('cs_one', 999)).toMatchObject({ ok: { tenant: 'acme', token: 't1', roles: ['read'] } });
    expect(book().check('cs_two', 999)).toEqual({ refused: 'TOKEN_UNKNOWN' });
    expect(book().check(hash('cs_one'), 999)).toEqual({ refused: 'TOKEN_UNKNOWN' });
  });
  it('refuses it from its end on', () => {
    expect(book().check('cs_one', 1000)).toEqual({ refused: 'TOKEN_EXPIRED' });
  });
  it('refuses it once revoked, for ever, in its own tenant only', () => {
    const made = book();
    made.revoke('globex', 't1');
    expect(made.check('cs_one', 0)).toHaveProperty('ok');
    made.revoke('acme', 't1');
    made.issue({ ...fact, token: 't2', tenant: 'globex' });
    expect(made.check('cs_one', 0)).toEqual({ refused: 'TOKEN_REVOKED' });
  });
});
