import { startEmbeddedPostgres } from './embedded.ts';

export interface ChosenDatabase {
  readonly url: string;
  readonly kind: 'external' | 'embedded';
  /** One line for people, without the password. */
  readonly line: string;
  stop(): Promise<void>;
}

/** DATABASE_URL, else a real PostgreSQL of our own. No falling back once chosen. */
export async function chooseDatabase({
  env,
  dataDir,
}: {
  readonly env: NodeJS.ProcessEnv;
  readonly dataDir: string;
}): Promise<ChosenDatabase> {
  const given = env['DATABASE_URL'];
  if (given) {
    const { host, pathname } = new URL(given);
    return { url: given, kind: 'external', line: `PostgreSQL: ${host}${pathname} (DATABASE_URL)`, stop: () => Promise.resolve() };
  }
  const database = await startEmbeddedPostgres({ dataDir });
  const { url, pid, folder } = database;
  return {
    url,
    kind: 'embedded',
    line: `PostgreSQL: ${new URL(url).host} (embedded, process ${pid}, data in ${folder})`,
    stop: () => database.stop(),
  };
}
