/** server.properties of a single combined broker and controller on loopback. */
export function serverProperties(
  at: { port: number; controllerPort: number; logDir: string },
  settings: Readonly<Record<string, string | number>> = {},
): string {
  const { port, controllerPort, logDir } = at;
  const lines: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': logDir.replaceAll('\\', '/'),
    // Without these a single broker answers COORDINATOR_NOT_AVAILABLE for ever.
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    // Small: this is a laptop's broker.
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.num.partitions': 4,
    'num.network.threads': 2,
    'num.io.threads': 2,
    'log.cleaner.dedupe.buffer.size': 2097152,
    'group.initial.rebalance.delay.ms': 0,
    // Tests hand lanes over within seconds; services ask for 10 s themselves.
    'group.min.session.timeout.ms': 1000,
    'auto.create.topics.enable': false,
    // After a kill the controller waits this long before the same broker may register again (default 9000).
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 500,
    ...settings,
  };
  return Object.entries(lines)
    .map(([key, value]) => `${key}=${String(value)}\n`)
    .join('');
}
