/** The executors of the tour: they claim what was allowed, act on data of their own, and report what came of it. */
import { join } from 'node:path';

import { executorKey, type Home } from '#adapters';
import type { Json } from '#domain';
import { executor } from '#sdk';

import { PREVIOUS_ARTIFACT } from './scenarios.ts';

/** What the handlers change: two small worlds in memory. */
export interface Worlds {
  /** Service → artifact that runs there. */
  readonly services: Record<string, Json>;
  /** Record id → fields. */
  readonly records: Record<string, Json>;
}

/** Before the tour. */
export const worlds = (): Worlds => ({
  services: { checkout: PREVIOUS_ARTIFACT, 'checkout-sandbox': PREVIOUS_ARTIFACT },
  records: { 'c-1029': { phone: '+49 30 5550111' } },
});

type Handlers = Parameters<typeof executor.openExecutor>[0]['handlers'];

/** In the sandbox the artifact starts and does not become healthy, so that the way back is taken. */
function deployer(worlds: Worlds): Handlers {
  const { services } = worlds;
  return {
    deploy: {
      deploy: {
        idempotent: true,
        before: () => executor.stateHash({ ...services }),
        run: ({ parameters: { service, artifactDigest } }) => {
          services[textIn(service)] = artifactDigest ?? null;
        },
        after: () => executor.stateHash({ ...services }),
        healthcheck: ({ parameters: { service } }) => service !== 'checkout-sandbox',
        rollback: ({ parameters }) => {
          const { reference } = parameters['rollback'] as { reference: string };
          services[textIn(parameters['service'])] = reference;
        },
      },
    },
  };
}

function crmWriter({ records }: Worlds): Handlers {
  return {
    crm: {
      'update-record': {
        idempotent: true,
        before: () => executor.stateHash({ ...records }),
        run: ({ parameters: { recordId, fields } }) => {
          records[textIn(recordId)] = fields ?? null;
        },
        after: () => executor.stateHash({ ...records }),
      },
    },
  };
}

/** The contract's schema says that it is text. */
const textIn = (value: Json | undefined): string => {
  if (typeof value !== 'string') throw new TypeError('expected text');
  return value;
};

/** Runs both until `isOver` says so. Their journals are in the home: a tour that was cut off goes on where it was. */
export async function act(
  { home, brokers, tenant, trust }: { home: Home; brokers: readonly string[]; tenant: string; trust: string },
  worlds: Worlds,
  isOver: () => Promise<boolean>,
): Promise<void> {
  const { lanes, topicPrefix, initialised } = home.config;
  const common = {
    brokers,
    birth: initialised.sha256,
    tenant,
    trust,
    lanes,
    topicPrefix,
    from: 'start' as const,
    onNotice: () => undefined,
  };
  const executors = await Promise.all(
    Object.entries({ deployer: deployer(worlds), 'crm-writer': crmWriter(worlds) }).map(([issuer, handlers]) =>
      executor.openExecutor({
        ...common,
        issuer,
        seed: home.key(executorKey(issuer, tenant)),
        handlers,
        store: join(home.folder, 'tour', `${issuer}.jsonl`),
      }),
    ),
  );
  try {
    const lost = Promise.all(executors.map(({ done }) => done)).then(() => true);
    while (!(await Promise.race([isOver(), lost])));
  } finally {
    await Promise.allSettled(executors.map((each) => each.close()));
  }
}
