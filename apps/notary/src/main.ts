import { Home, homeFolder, parseBrokers } from '#adapters';

import { groupSettings, operatorPortFrom, serve } from '../../kit/src/index.ts';

import { start } from './app.ts';

await serve('notary', () => {
  const home = Home.open(homeFolder());
  const brokers = parseBrokers(process.env['KAFKA_BROKERS'] ?? '');
  return start({ home, brokers, ...operatorPortFrom(process.env, 0), ...groupSettings() });
});
