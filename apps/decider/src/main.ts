import { Home, homeFolder, parseBrokers } from '#adapters';

import { groupSettings, operatorPortFrom, runUntilSignal } from '../../kit/src/index.ts';
import { start } from './app.ts';
import { goFirst } from './go-first.ts';

const home = Home.open(homeFolder());
const brokers = parseBrokers(process.env['KAFKA_BROKERS'] ?? '');
const every = process.env['COUNTERSIGN_SNAPSHOT_EVERY'];
await goFirst();
await runUntilSignal(
  await start({
    ...{ home, brokers, ...operatorPortFrom(process.env, 0), ...groupSettings() },
    ...(every ? { snapshotEveryEntries: Number(every) } : {}),
  }),
);
