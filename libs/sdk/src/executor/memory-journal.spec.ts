import { describe } from 'vitest';

import { MemoryJournal } from './fake-ledger.ts';
import { journalContract } from '#testing';

describe('a journal in memory', () => {
  journalContract(() => new MemoryJournal());
});
