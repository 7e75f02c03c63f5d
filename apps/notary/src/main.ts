import { Home, homeFolder, parseBrokers } from '#adapters';

import { crashPoints, runUntilSignal } from '../../kit/src/index.ts';

import { start } from './app.ts';

const home = Home.open(homeFolder());
const brokers = parseBrokers(process.env['KAFKA_BROKERS'] ?? '127.0.0.1:9092');
const host = process.env['HOST'];
const app = await start({ home, brokers, port: Number(process.env['PORT'] ?? 3003), ...(host ? { host } : {}), onPoint: crashPoints() });
await runUntilSignal(app);
