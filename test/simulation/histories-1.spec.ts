import type * as crypto from '#crypto';
import { vi } from 'vitest';

import { runHistories } from './run-histories.ts';

vi.mock('#crypto', async (original) => {
  const { rememberedCrypto } = await import('../../libs/testing/src/simulation/remembered-crypto.ts');
  return rememberedCrypto(await original<typeof crypto>());
});

runHistories(1);
