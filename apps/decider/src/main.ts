import { Home, homeFolder, parseBrokers } from '#adapters';

import { groupSettings, runUntilSignal } from '../../kit/src/index.ts';
import { start } from './app.ts';
import { goFirst } from './go-first.ts';

const home = Home.open(homeFolder());
const brokers = parseBrokers(process.env['KAFKA_BROKERS'] ?? '');
const host = process.env['HOST'];
const every = process.env['COUNTERSIGN_SNAPSHOT_EVERY'];
await goFirst();
await runUntilSignal(
  await start({
    ...{ home, brokers, port: Number(process.env['PORT'] ?? 0), ...groupSettings() },
    ...(host ? { host } : {}),
    ...(every ? { snapshotEveryEntries: Number(every) } : {}),
  }),
);
