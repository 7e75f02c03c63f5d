/** A gateway of its own that reads the whole ledger, answers for one action, and writes down everything its heap holds. */
import { setTimeout as delay } from 'node:timers/promises';
import { writeHeapSnapshot } from 'node:v8';

import { Home } from '#adapters';

import { start } from '../../apps/gateway/src/app.ts';

const [folder = '', brokers = '', file = '', url = '', bearer = ''] = process.argv.slice(2);
const gateway = await start({ home: Home.open(folder), brokers: brokers.split(','), port: 0 });
while (gateway.health.reasons.length > 0) await delay(10);
const answer = await gateway.server.inject({ url, headers: { authorization: `Bearer ${bearer}` } });
writeHeapSnapshot(file);
process.stdout.write(answer.body);
await gateway.close();
