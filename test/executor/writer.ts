/** An executor in a process of its own, which stands still in the middle of its effect when it is told to. */
import { openExecutor } from '#sdk';

import { openPool } from '../../examples/executor/database.ts';
import { crmWriter } from '../../examples/executor/handlers.ts';
import type { ExecutorProcessOptions } from '../support/effects-writer.ts';

export interface WriterOptions extends ExecutorProcessOptions {
  readonly url: string;
  /** After the effect, before anything of it is written down. */
  readonly standsStill: boolean;
  readonly idempotent: boolean;
}

const { seed, url, standsStill, idempotent, ...given } = JSON.parse(process.env['WRITER'] ?? '') as WriterOptions;
const handler = crmWriter(openPool(url))['crm']?.['update-record'];
if (!handler) throw new Error('no handler');
const run: typeof handler.run = async (job) => {
  await handler.run(job);
  if (!standsStill) return;
  process.stdout.write('stands still\n');
  await new Promise(() => undefined);
};
const executor = await openExecutor({
  ...given,
  issuer: 'crm-writer',
  seed: Buffer.from(seed, 'hex'),
  handlers: { crm: { 'update-record': { ...handler, run, idempotent } } },
  onNotice: ({ code, actionId }) => process.stdout.write(`${code} ${actionId}\n`),
});
process.stdout.write('up\n');
await executor.done;
