/** Unit ms; Kafka's consumer group settings. */
export interface GroupSettings {
  readonly sessionTimeout: number;
  readonly heartbeatInterval: number;
}

/** Five heartbeats may be lost before a session is. */
const HEARTBEATS_PER_SESSION = 5;

/**
 * From COUNTERSIGN_SESSION_TIMEOUT_MS: how long the lanes of a process that died are nobody's. Shorter than the broker's
 * `group.min.session.timeout.ms` is refused by the broker. Nothing without it: the defaults then hold.
 */
export function groupSettings(env: NodeJS.ProcessEnv = process.env): Partial<GroupSettings> {
  const wanted = env['COUNTERSIGN_SESSION_TIMEOUT_MS'];
  if (wanted === undefined || wanted === '') return {};
  if (!/^[1-9]\d{2,6}$/.test(wanted)) throw new Error(`COUNTERSIGN_SESSION_TIMEOUT_MS: milliseconds expected, "${wanted}" found`);
  const sessionTimeout = Number(wanted);
  return { sessionTimeout, heartbeatInterval: Math.floor(sessionTimeout / HEARTBEATS_PER_SESSION) };
}
