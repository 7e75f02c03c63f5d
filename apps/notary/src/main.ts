import { Home, homeFolder, parseBrokers } from '#adapters';

import { groupSettings, operatorPortFrom, runUntilSignal } from '../../kit/src/index.ts';

import { start } from './app.ts';

const home = Home.open(homeFolder());
const brokers = parseBrokers(process.env['KAFKA_BROKERS'] ?? '');
await runUntilSignal(await start({ home, brokers, ...operatorPortFrom(process.env, 0), ...groupSettings() }));
