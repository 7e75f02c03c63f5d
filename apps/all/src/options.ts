import { parseArgs } from 'node:util';

import { homeFolder } from '#adapters';

/** Where people look first; another free one is taken when it is in use. */
const PORT_DEFAULT = 8080;

export interface StartOptions {
  readonly folder: string;
  /** Leave after the tour, with exit code 0 only if everything was as expected. */
  readonly exit: boolean;
  readonly port: number;
  /** A port that was asked for by name is taken or refused, never exchanged. */
  readonly portGiven: boolean;
}

export const USAGE = `npm start -- [--exit] [--data DIR] [--port N]
  --exit      leave after the tour; exit code 0 only if every expectation held
  --data DIR  keys, ledger.json and the broker's data (default .countersign, or COUNTERSIGN_DATA)
  --port N    of the gateway (default ${PORT_DEFAULT}, or another free one)`;

/** Throws with a message for people. */
export function parseOptions(args: readonly string[], env: NodeJS.ProcessEnv): StartOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      exit: { type: 'boolean', default: false },
      data: { type: 'string' },
      port: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const asked = values.port ?? env['PORT'];
  const port = asked === undefined ? PORT_DEFAULT : Number(asked);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`--port: expected 0 to 65535, got ${String(asked)}`);
  return { folder: homeFolder(values.data, env), exit: values.exit, port, portGiven: asked !== undefined };
}
