import type { Admin } from 'kafkajs';

import { connectionConfig, type ConnectionOptions } from './client.ts';
import { kafkajs } from './patch.ts';

/** Runs `work` with an admin connection of its own and closes it, whatever happens. */
export async function withAdmin<T>(options: ConnectionOptions, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new kafkajs.Kafka(connectionConfig(options)).admin();
  try {
    await admin.connect();
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}
