import { describe, expect, it } from 'vitest';

import { parseActor, saysOf } from './actors.ts';

describe('--actor', () => {
  it.each([
    ['agent:planner', { kind: 'agent', id: 'planner' }],
    ['agent:a:b', { kind: 'agent', id: 'a:b' }],
    ['person:*', { kind: 'person', id: '*' }],
    ['pipeline:main,for=ana,for=ben', { kind: 'pipeline', id: 'main', actingFor: ['ana', 'ben'] }],
    ['agent:*,for=*', { kind: 'agent', id: '*', actingFor: ['*'] }],
  ])('%s is read', (text, rule) => {
    expect(parseActor(text)).toEqual(rule);
  });

  it.each(['', 'planner', 'agent:', 'robot:planner', 'agent:pla nner', 'agent:planner,ana', 'agent:planner,for=', 'agent:pla*'])(
    '%j is refused, with the form that is expected',
    (text) => {
      expect(() => parseActor(text)).toThrow(/^--actor: expected KIND:ID or KIND:ID,for=PERSON/);
    },
  );
});

describe('what a credential may say', () => {
  const planner = { kind: 'agent' as const, id: 'planner' };
  const given = { rules: 2, maySay: true, actor: [planner], agents: undefined };

  it('is a list of actors; one who proposes needs one, one who does not has none', () => {
    expect(saysOf('it', given)).toEqual({ actors: [planner] });
    expect(() => saysOf('it', { ...given, actor: [] })).toThrow(/may propose nothing/);
    expect(saysOf('it', { ...given, maySay: false, actor: [] })).toEqual({});
    expect(() => saysOf('it', { ...given, maySay: false })).toThrow(/leave it out/);
  });

  it('on a ledger of rules 1 is a list of ids, or nothing, which lets it say any', () => {
    const old = { ...given, rules: 1, actor: [], agents: 'a,b' };
    expect(saysOf('it', old)).toEqual({ agents: ['a', 'b'] });
    expect(saysOf('it', { ...old, agents: undefined })).toEqual({});
    expect(() => saysOf('it', { ...old, actor: [planner] })).toThrow(/rules 1/);
    expect(() => saysOf('it', { ...old, rules: 2 })).toThrow(/only a ledger of rules 1/);
  });
});
