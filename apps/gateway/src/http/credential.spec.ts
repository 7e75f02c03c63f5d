import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';

import type { SaidActor } from '#domain';

import { TokenBook } from '../index/token-book.ts';
import { authenticate, demandActor, demandRole } from './credential.ts';
import { Problem } from './problem.ts';

const bot = { kind: 'agent', id: 'agent-1' } as const;
const helper = { kind: 'agent', id: 'helper', actingFor: ['ben'] } as const;
const tokens = new TokenBook();
const tokenHash = createHash('sha256').update('cs_one').digest('hex');
tokens.issue({ tenant: 'acme', token: 't1', tokenHash, roles: ['propose'], says: { rules: 2, actors: [bot, helper] }, validUntilMs: 1000 });
const codeOf = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error instanceof Problem ? [error.getStatus(), error.code] : error;
  }
};

describe('credentials', () => {
  it.each([undefined, '', 'cs_one', 'Basic cs_one', 'Bearer', 'Bearer ', 'Bearer cs_one ', 'Bearer cs_one, Bearer cs_one', 'Bearer ä'])(
    'refuses the header %j',
    (header) => {
      expect(codeOf(() => authenticate(header, tokens, 0))).toEqual([401, 'TOKEN_MISSING']);
    },
  );
  it('refuses unknown and late tokens, and challenges', () => {
    expect(codeOf(() => authenticate('Bearer cs_two', tokens, 0))).toEqual([401, 'TOKEN_UNKNOWN']);
    expect(codeOf(() => authenticate('Bearer cs_one', tokens, 1000))).toEqual([401, 'TOKEN_EXPIRED']);
  });
  it.each(['Bearer cs_one', 'bearer cs_one', 'BEARER cs_one', 'bEaReR cs_one'])('takes the scheme in any case: %s', (header) => {
    expect(authenticate(header, tokens, 0).token).toBe('t1');
  });
  it('takes the token in its own case only', () => {
    expect(codeOf(() => authenticate('Bearer CS_ONE', tokens, 0))).toEqual([401, 'TOKEN_UNKNOWN']);
  });
  it('demands the role', () => {
    const credential = authenticate('Bearer cs_one', tokens, 0);
    const role = (name: 'read' | 'propose') =>
      codeOf(() => {
        demandRole(credential, name);
      });
    expect([role('read'), role('propose')]).toEqual([[403, 'ROLE_MISSING'], undefined]);
  });
  it('demands an actor of its list, for one of the people whom the list names', () => {
    const credential = authenticate('Bearer cs_one', tokens, 0);
    const actor = (said: SaidActor, of = credential) =>
      codeOf(() => {
        demandActor(of, said);
      });
    const refused = [403, 'ACTOR_NOT_ALLOWED'];
    expect([actor(bot), actor({ ...helper, actingFor: 'ben' })]).toEqual([undefined, undefined]);
    for (const wrong of [
      { ...bot, id: 'agent-2' },
      { ...bot, kind: 'person' },
      { ...bot, actingFor: 'ben' },
      { ...helper, actingFor: 'ana' },
    ]) {
      expect(actor(wrong)).toEqual(refused);
    }
    expect(actor({ kind: 'agent', id: 'helper' })).toEqual(refused);
    expect(actor(bot, { ...credential, says: { rules: 2, actors: undefined } })).toEqual(refused);
  });
  it('of a ledger of rules 1 demands an id of its list, and any without one', () => {
    const credential = authenticate('Bearer cs_one', tokens, 0);
    const actor = (agents: string[] | undefined) =>
      codeOf(() => {
        demandActor({ ...credential, says: { rules: 1, agents } }, bot);
      });
    expect([actor(undefined), actor(['agent-1']), actor([])]).toEqual([undefined, undefined, [403, 'ACTOR_NOT_ALLOWED']]);
  });
});
