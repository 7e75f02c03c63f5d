import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';

import { TokenBook } from '../index/token-book.ts';
import { authenticate, demandAgent, demandRole } from './credential.ts';
import { Problem } from './problem.ts';

const tokens = new TokenBook();
const tokenHash = createHash('sha256').update('cs_one').digest('hex');
tokens.issue({ tenant: 'acme', token: 't1', tokenHash, roles: ['propose'], agents: ['agent-1'], validUntilMs: 1000 });
const codeOf = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error instanceof Problem ? [error.getStatus(), error.code] : error;
  }
};

describe('credentials', () => {
  it.each([
    undefined,
    '',
    'cs_one',
    'Basic cs_one',
    'Bearer',
    'Bearer ',
    'bearer cs_one',
    'Bearer cs_one ',
    'Bearer cs_one, Bearer cs_one',
    'Bearer ä',
  ])('refuses the header %j', (header) => {
    expect(codeOf(() => authenticate(header, tokens, 0))).toEqual([401, 'TOKEN_MISSING']);
  });
  it('refuses unknown and late tokens, and challenges', () => {
    expect(codeOf(() => authenticate('Bearer cs_two', tokens, 0))).toEqual([401, 'TOKEN_UNKNOWN']);
    expect(codeOf(() => authenticate('Bearer cs_one', tokens, 1000))).toEqual([401, 'TOKEN_EXPIRED']);
  });
  it('demands the role and the actor', () => {
    const credential = authenticate('Bearer cs_one', tokens, 0);
    expect(
      codeOf(() => {
        demandRole(credential, 'read');
      }),
    ).toEqual([403, 'ROLE_MISSING']);
    expect(
      codeOf(() => {
        demandRole(credential, 'propose');
      }),
    ).toBeUndefined();
    expect(
      codeOf(() => {
        demandAgent(credential, 'agent-2');
      }),
    ).toEqual([403, 'AGENT_NOT_ALLOWED']);
    expect(
      codeOf(() => {
        demandAgent({ ...credential, agents: undefined }, 'agent-2');
      }),
    ).toBeUndefined();
    expect(
      codeOf(() => {
        demandAgent({ ...credential, agents: [] }, 'agent-2');
      }),
    ).toEqual([403, 'AGENT_NOT_ALLOWED']);
  });
});
