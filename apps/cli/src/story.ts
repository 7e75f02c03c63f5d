/** The entries of one action as the ledger has them, with the bundles that were in force. */
import { type FollowedEntry, LedgerFollower, wire } from '#adapters';
import { type Bundle, isAbout, LedgerBroken, placeOf, replayFacts, RULES } from '#domain';

import type { Context } from './context.ts';
import { CliError, INVALID } from './errors.ts';
import { laneOfTree } from './tree.ts';

export interface Story {
  readonly tenant: string;
  readonly entries: FollowedEntry[];
  /** By digest: those that its decisions cite. */
  readonly bundles: Map<string, Bundle>;
}

/** Reads the ledger from genesis, of `tenant`'s lane or of all of them. Throws CliError unless exactly one tenant has the action. */
export async function storyOf(context: Context, action: string, tenant: string | undefined): Promise<Story> {
  const reader = new StoryReader(action, tenant);
  await followLedger(context, tenant, (entry) => {
    reader.add(entry);
  });
  const [story, other] = reader.stories.values();
  if (!story) {
    const where = tenant === undefined ? 'the ledger' : `tenant ${tenant}`;
    throw new CliError(`${where} has no action ${action}: countersign log --tenant lists a tenant's entries`, INVALID);
  }
  if (other) throw new CliError(`${[...reader.stories.keys()].join(' and ')} have an action ${action}: say which with --tenant`);
  return story;
}

/** Every entry that is there now, of one tenant's lane or of all lanes, each checked on the way. */
export async function followLedger(context: Context, tenant: string | undefined, each: (entry: FollowedEntry) => void): Promise<void> {
  const lanes = tenant === undefined ? undefined : [laneOfTree(context.home, tenant)];
  const follower = await LedgerFollower.open(context.home, context.brokers, lanes);
  try {
    await follower.catchUp(each, context.progress('reading the ledger'));
  } catch (error) {
    throw error instanceof LedgerBroken ? new CliError(`${error.message}: countersign doctor says more`, INVALID) : error;
  } finally {
    await follower.close();
  }
}

/** Keeps what is about the action, and of each lane the latest bundle's control only: a bundle has up to 768 KiB. */
class StoryReader {
  readonly stories = new Map<string, Story & { readonly decisions: Set<string> }>();
  /** Lane → exact value of the control that activated the bundle in force. */
  readonly #inForce = new Map<number, Uint8Array>();

  constructor(
    private readonly action: string,
    private readonly tenant: string | undefined,
  ) {}

  add(entry: FollowedEntry): void {
    const { record, kind, lane, statement } = entry;
    // The control itself stands in the system's tree; the tenants' trees say that it was.
    if (kind === 'bundle.activated' && record.inputForm === 'plain') this.#inForce.set(lane, record.input);
    if (this.tenant !== undefined && record.tenant !== this.tenant) return;
    const known = this.stories.get(record.tenant);
    if (!isAbout(entry, this.action, known?.decisions ?? NONE)) return;
    const story = known ?? { tenant: record.tenant, entries: [], bundles: new Map<string, Bundle>(), decisions: new Set<string>() };
    this.stories.set(record.tenant, story);
    story.entries.push(entry);
    if (kind === 'action.decided' || kind === 'escalation.settled') story.decisions.add(placeOf(statement.predicate, 'index') ?? '');
    if (kind !== 'action.decided') return;
    const bundle = this.#bundle(lane);
    const cited = statement.predicate.bundle;
    if (cited !== null && bundle?.digest === cited) story.bundles.set(bundle.digest, bundle);
  }

  #bundle(lane: number): Bundle | undefined {
    const value = this.#inForce.get(lane);
    return value && replayFacts('bundle.activated', value, wire, { rules: RULES, bundle: null, tenants: new Map() }).bundle;
  }
}

const NONE: ReadonlySet<string> = new Set();
