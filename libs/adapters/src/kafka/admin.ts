import type { Admin } from 'kafkajs';

import { connectionConfig, type ConnectionOptions } from './client.ts';
import { BrokerUnavailable, messageOf } from './errors.ts';
import { kafkajs } from './patch.ts';

/** Runs `work` with an admin connection of its own and closes it, whatever happens. Throws BrokerUnavailable when there is none. */
export async function withAdmin<T>(options: ConnectionOptions, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new kafkajs.Kafka(connectionConfig(options)).admin();
  try {
    await admin.connect().catch((error: unknown) => {
      throw new BrokerUnavailable(`admin: no connection: ${messageOf(error)}`, error);
    });
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}
