// npm run bench: the pipeline beside what any design on Kafka must pay, interleaved on one broker.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { chooseBroker, Home, repositoryRoot } from '#adapters';

import { compare, compareClosed } from './compare.ts';
import { day, dayReport } from './day.ts';
import { startLedger } from './ledger.ts';
import { watched, type Worker } from './process.ts';
import { closedReport, report, soakReport } from './report.ts';
import { soak } from './soak.ts';

const { values: options } = parseArgs({
  options: {
    records: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '8' },
    'warm-up': { type: 'string', default: '20' },
    soak: { type: 'string' },
    tenants: { type: 'string', default: '1' },
    closed: { type: 'boolean', default: false },
    day: { type: 'string' },
    rate: { type: 'string', default: '3407' },
    json: { type: 'boolean', default: false },
  },
});
const records = Number(options.records);
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);
const warmUp = Number(options['warm-up']);
/** As a broker that serves for long; the soak is for the one that everybody gets. */
const runsLong = options.soak === undefined;
const say = (line: string): void => void process.stderr.write(`${line}\n`);

if (options.day !== undefined) {
  const home = Home.create(mkdtempSync(join(tmpdir(), 'countersign-bench-day-')), {
    name: 'bench.test',
    lanes: 1,
    topicPrefix: '',
    nowMs: Date.now(),
  });
  const all = [1, 200].map((tenants) => day({ birth: home.birth(), tenants, rate: Number(options.rate), hours: Number(options.day), say }));
  rmSync(home.folder, { recursive: true, force: true });
  process.stdout.write(options.json ? `${JSON.stringify(all, null, 2)}\n` : dayReport(all));
  process.exit(0);
}

const dataDir = mkdtempSync(join(tmpdir(), 'countersign-bench-broker-'));
const broker = await chooseBroker({ env: process.env, dataDir, root: repositoryRoot(), log: say, runsLong });
const workers: Worker[] = [];
try {
  say(broker.line);
  const ledger = await startLedger(broker.brokers, Number(options.tenants));
  workers.push(...ledger.workers);
  if (options.closed) {
    const figures = await compareClosed(ledger, rounds, { broker, workers, say });
    process.stdout.write(options.json ? `${JSON.stringify(figures, null, 2)}\n` : closedReport(figures));
  } else if (options.soak === undefined) {
    const figures = await compare(ledger, { records, rounds, seconds, warmUp }, { broker, workers, say });
    process.stdout.write(options.json ? `${JSON.stringify(figures, null, 2)}\n` : report(figures));
  } else {
    const figures = await soak(ledger, Number(options.soak), watched(ledger.workers, broker), say);
    process.stdout.write(options.json ? `${JSON.stringify(figures, null, 2)}\n` : soakReport(figures));
  }
} finally {
  await Promise.allSettled(workers.map((worker) => worker.stop()));
  await broker.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
