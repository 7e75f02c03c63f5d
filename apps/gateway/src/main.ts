import { join } from 'node:path';

import { Home, homeFolder, parseBrokers } from '#adapters';

import { operatorPortFrom, serve } from '../../kit/src/index.ts';
import { start } from './app.ts';
import { ratesFrom } from './http/rates.ts';

/** Where a service listens unless PORT says otherwise. */
const PORT_DEFAULT = '8080';
/** Where its readiness and metrics are unless METRICS_PORT says otherwise. */
const METRICS_PORT_DEFAULT = 8081;

/** Unless INDEX_FOLDER says otherwise: `index` in the data folder. */
const indexFolderFrom = (setting: string | undefined): string | undefined =>
  setting === 'memory' ? undefined : setting === undefined || setting === '' ? join(homeFolder(), 'index') : setting;

await serve('gateway', () =>
  start({
    home: Home.open(homeFolder()),
    brokers: parseBrokers(process.env['KAFKA_BROKERS'] ?? ''),
    port: Number(process.env['PORT'] ?? PORT_DEFAULT),
    host: process.env['HOST'] ?? '127.0.0.1',
    indexFolder: indexFolderFrom(process.env['INDEX_FOLDER']),
    operator: operatorPortFrom(process.env, METRICS_PORT_DEFAULT),
    rates: ratesFrom(process.env),
    processMetrics: true,
  }),
);
