import { Home, homeFolder, parseBrokers } from '#adapters';

import { runUntilSignal } from '../../kit/src/index.ts';

import { start } from './app.ts';

const home = Home.open(homeFolder());
const brokers = parseBrokers(process.env['KAFKA_BROKERS'] ?? '');
const host = process.env['HOST'];
await runUntilSignal(await start({ home, brokers, port: Number(process.env['PORT'] ?? 0), ...(host ? { host } : {}) }));
