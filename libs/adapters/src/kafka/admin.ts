import type { Admin } from 'kafkajs';

import { bounded } from './bounded.ts';
import { connectionConfig, type ConnectionOptions } from './client.ts';
import { BrokerUnavailable, messageOf } from './errors.ts';
import { kafkajs } from './patch.ts';

/** Runs `work` with an admin connection of its own and closes it, whatever happens. Throws BrokerUnavailable when there is none. */
export async function withAdmin<T>(options: ConnectionOptions, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new kafkajs.Kafka(connectionConfig(options)).admin();
  try {
    await bounded('admin', CONNECT_MAX_MS, admin.connect()).catch((error: unknown) => {
      throw new BrokerUnavailable(`admin: no connection: ${messageOf(error)}`, error);
    });
    return await bounded('admin', WORK_MAX_MS, work(admin));
  } finally {
    await bounded('admin', DISCONNECT_MAX_MS, admin.disconnect()).catch(() => undefined); // nothing of it is used any more
  }
}

/** Unit ms. Some retries of a connection; creating every topic on a busy broker. */
const CONNECT_MAX_MS = 15_000;
const WORK_MAX_MS = 60_000;
const DISCONNECT_MAX_MS = 3000;
