/** Some tests kill, restart or set up a broker of their own, whatever broker the others share. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';

import { jarsFolder, javaCommand, repositoryRoot } from '../../libs/adapters/src/broker/jars.ts';

/** In the names of tests that are skipped where it is false. */
export const NEEDS_JAVA = 'skipped without Java 17 and Maven';

/** Whether an embedded broker can be started here: there is Java, and Kafka has been fetched, or Maven is there to do it. */
export const canStartBroker = await javaCommand().then(
  async () => existsSync(jarsFolder(repositoryRoot())) || (await hasMaven()),
  () => false,
);

function hasMaven(): Promise<boolean> {
  return promisify(execFile)('mvn', ['-v']).then(
    () => true,
    () => false,
  );
}
