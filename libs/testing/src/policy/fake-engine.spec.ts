import { describe, it } from 'vitest';

import { ENGINE_CONTRACT } from './engine-contract.ts';
import { FakeEngine } from './fake-engine.ts';

describe('FakeEngine keeps the contract of every engine', () => {
  it.each(ENGINE_CONTRACT)('$rule', ({ holds }) => {
    holds(new FakeEngine());
  });
});
