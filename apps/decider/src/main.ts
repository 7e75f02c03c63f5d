import { Home, homeFolder, parseBrokers } from '#adapters';

import { groupSettings, operatorPortFrom, serve } from '../../kit/src/index.ts';
import { start } from './app.ts';
import { goFirst } from './go-first.ts';

await serve('decider', async () => {
  const home = Home.open(homeFolder());
  const brokers = parseBrokers(process.env['KAFKA_BROKERS'] ?? '');
  const every = process.env['COUNTERSIGN_SNAPSHOT_EVERY'];
  await goFirst();
  return start({
    ...{ home, brokers, ...operatorPortFrom(process.env, 0), ...groupSettings() },
    ...(every ? { snapshotEveryEntries: Number(every) } : {}),
  });
});
