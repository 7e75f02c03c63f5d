import { relative } from 'node:path';

import { say } from './say.ts';
import type { System } from './system.ts';

export function printWelcome({ home, brokers, port, operatorPort }: System): void {
  const shown = relative(process.cwd(), home.folder);
  const data = shown === '.countersign' ? '' : ` --data ${shown.startsWith('..') ? home.folder : shown}`;
  const url = `http://127.0.0.1:${port}`;
  const next = [
    [`npx countersign${data} log --tenant acme`, 'what was decided'],
    [`npx countersign${data} export receipt --tenant acme --index 5 --out receipts`, 'one receipt, as files'],
    [`npx countersign${data} trust --tenant acme > acme.trust`, 'the key to verify it with'],
    ['npx countersign verify receipt receipts/5.tlog-proof --trust acme.trust', 'offline: these two files and nothing else'],
    [`npx countersign${data} verify ledger`, 'every link, proof and signature from genesis'],
  ] as const;
  const width = Math.max(...next.map(([command]) => command.length));
  say(`
Gateway   ${url}   (${url}/openapi.json)
Operator  http://127.0.0.1:${operatorPort}   (/readyz and /metrics of the gateway; bound to this machine)
Kafka     ${brokers.join(',')}
Data      ${home.folder}

Next, in another terminal:
${next.map(([command, what]) => `  ${command.padEnd(width)}   ${what}`).join('\n')}

Ctrl-C ends everything.`);
}

export function printGoodbye(why: string): void {
  say(`Stopped (${why}).`);
}
