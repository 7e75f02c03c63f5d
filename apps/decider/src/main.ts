import { Home, homeFolder, parseBrokers } from '#adapters';

import { groupSettings, runUntilSignal } from '../../kit/src/index.ts';
import { start } from './app.ts';

const home = Home.open(homeFolder());
const brokers = parseBrokers(process.env['KAFKA_BROKERS'] ?? '');
const every = process.env['COUNTERSIGN_SNAPSHOT_EVERY'];
await runUntilSignal(
  await start({
    ...{ home, brokers, port: Number(process.env['PORT'] ?? 0), ...groupSettings() },
    ...(every ? { snapshotEveryEntries: Number(every) } : {}),
  }),
);
