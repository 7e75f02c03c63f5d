/** Executors of one issuer as processes in namespaces of their own, which share one journal, as two containers or two hosts do. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { executorKey, type Home } from '#adapters';
import { Child } from '#testing';

import type { EffectsWriterOptions } from './effects-writer.ts';

const ISSUER = 'crm-writer';

export interface ExecutorsOptions {
  readonly home: Home;
  readonly brokers: readonly string[];
  readonly tenant: string;
  readonly trust: string;
  /** Of the journal and the effects. */
  readonly folder: string;
  readonly from?: 'now' | 'start';
}

export class SharedJournal {
  readonly #store: string;
  readonly #effects: string;
  readonly #started: Child[] = [];

  constructor(private readonly options: ExecutorsOptions) {
    this.#store = join(options.folder, 'me.jsonl');
    this.#effects = join(options.folder, 'effects');
  }

  /** One more executor on the journal. */
  start(): Child {
    const { home, brokers, tenant, trust, from = 'now' } = this.options;
    const { lanes, topicPrefix, initialised } = home.config;
    const options: EffectsWriterOptions = {
      ...{ brokers, birth: initialised.sha256, tenant, trust, lanes, topicPrefix, from },
      ...{ store: this.#store, effects: this.#effects },
      seed: Buffer.from(home.key(executorKey(ISSUER, tenant))).toString('hex'),
    };
    const child = Child.start({ file: 'test/support/effects-writer.ts' }, { isolated: true, env: { EXECUTOR: JSON.stringify(options) } });
    this.#started.push(child);
    return child;
  }

  /** As a supervisor does: started again for as long as it is refused. Resolves when it is up, with how often it was refused. */
  async startUntilUp(): Promise<{ readonly executor: Child; readonly refused: number }> {
    for (let refused = 0; ; refused++) {
      const executor = this.start();
      if ((await executor.says(UP_OR_REFUSED)) === 'up') return { executor, refused };
      await executor.end();
    }
  }

  /** What another host's kernel knows of this one's lock: nothing. The mark is on the shared volume. */
  asOnAnotherHost(): void {
    rmSync(`${this.#store}.lock`, { force: true });
  }

  /** Of each effect: its claim, and its action. */
  get effects(): { readonly claim: string; readonly action: string }[] {
    const text = existsSync(this.#effects) ? readFileSync(this.#effects, 'utf8') : '';
    const lines = text.split('\n').filter((line) => line !== '');
    return lines.map((line) => {
      const [claim = '', action = ''] = line.split(' ');
      return { claim, action };
    });
  }

  /** How often each of these actions was carried out. */
  timesOf(actions: readonly string[]): number[] {
    const counts = new Map<string, number>();
    for (const { action } of this.effects) counts.set(action, (counts.get(action) ?? 0) + 1);
    return actions.map((action) => counts.get(action) ?? 0);
  }

  /** What all of them have said, each in its order. */
  get lines(): readonly string[] {
    return this.#started.flatMap(({ lines }) => lines);
  }

  async close(): Promise<void> {
    await Promise.all(this.#started.map((child) => child.kill()));
  }
}

export const UP_OR_REFUSED = /^(up$|refused)/;
