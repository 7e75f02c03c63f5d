import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { repositoryRoot } from '#adapters';

/** The folder of the repository's own bundle. */
export const STANDARD_BUNDLE = join(repositoryRoot(), 'policies', 'standard');

/** A folder of its own with the same bundle: the caller changes it, and removes it. */
export function copyStandardBundle(): string {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-bundle-'));
  cpSync(STANDARD_BUNDLE, folder, { recursive: true });
  return folder;
}
