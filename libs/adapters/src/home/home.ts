import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { ed25519PublicKey } from '#crypto';
import { base64, formatVkey, fromBase64, tenantSeed } from '#domain';

import { birthOf, formatConfig, type LedgerConfig, parseConfig } from './config.ts';
import { createLedger, type LedgerOptions } from './create-ledger.ts';
import { makeFolder, PUBLIC_FILE, replaceFile, SECRET_FILE, SECRET_FOLDER, writeNew, writeWhole } from './files.ts';

export type HomeFault = 'NO_LEDGER' | 'LEDGER_EXISTS' | 'DAMAGED' | 'NO_KEY' | 'KEY_EXPOSED' | 'WRONG_KEY';

/** The message says what to do. It never holds what a secret file held. */
export class HomeError extends Error {
  readonly code: HomeFault;

  constructor(code: HomeFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HomeError';
    this.code = code;
  }
}

/**
 * `--data DIR`, else COUNTERSIGN_DATA, else .countersign. Relative to where the person is: npm runs its scripts in the package's folder,
 * and says in INIT_CWD where it was called.
 */
export function homeFolder(option?: string, env: NodeJS.ProcessEnv = process.env): string {
  const named = [option, env['COUNTERSIGN_DATA']].find((folder) => folder !== undefined && folder !== '');
  return resolve(env['INIT_CWD'] ?? '', named ?? '.countersign');
}

/**
 * The data folder of one ledger. ledger.json is public; keys/ and tokens/ are the owner's only. A service on a cluster has
 * ledger.json and just the keys it signs with, so keys are read when they are asked for.
 */
export class Home {
  readonly folder: string;
  readonly config: LedgerConfig;
  readonly #seeds = new Map<string, Uint8Array>();

  private constructor(folder: string, config: LedgerConfig) {
    this.folder = folder;
    this.config = config;
  }

  static exists(folder: string): boolean {
    return existsSync(join(folder, 'ledger.json'));
  }

  static open(folder: string): Home {
    const file = join(folder, 'ledger.json');
    if (!existsSync(file)) {
      throw new HomeError('NO_LEDGER', `no ledger in ${folder}: make one with \`countersign init\`, or name its folder with --data`);
    }
    try {
      return new Home(folder, parseConfig(readFileSync(file)));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : 'unreadable';
      throw new HomeError('DAMAGED', `${file} is damaged (${why}): restore it from a copy; any service of this ledger has the same`, {
        cause,
      });
    }
  }

  /**
   * ledger.json comes last: before it, nothing was published with these keys. Keys that are there already are used and never
   * replaced, so a creation that was killed goes on, and no seed is ever lost by mistake.
   */
  static create(folder: string, options: Omit<LedgerOptions, 'seeds'>): Home {
    if (Home.exists(folder)) throw new HomeError('LEDGER_EXISTS', `${folder} holds a ledger already: name another folder with --data`);
    makeFolder(folder, SECRET_FOLDER);
    const seeds = {
      ledger: drawSeed(folder, 'ledger'),
      decider: drawSeed(folder, 'decider'),
      admin: drawSeed(folder, 'admin'),
      gateway: drawSeed(folder, 'gateway'),
    };
    const { config } = createLedger({ ...options, seeds });
    if (!writeNew(join(folder, 'ledger.json'), formatConfig(config), PUBLIC_FILE)) {
      throw new HomeError('LEDGER_EXISTS', `${folder}: another process made a ledger here at the same moment; open that one`);
    }
    return Home.open(folder);
  }

  /** The pinned facts that a lane starts from. */
  birth(): ReturnType<typeof birthOf> {
    return birthOf(this.config);
  }

  /** Which ledger a signed record is for, as its head says it. Under rules 1 the name is all. */
  bound(): { readonly ledger: string; readonly birth?: string } {
    const { rules, ledger, initialisedDigest } = this.birth();
    return rules === 1 ? { ledger } : { ledger, birth: initialisedDigest };
  }

  /** As `key`, but read again, whatever was read before; undefined when the file is not there. */
  keyNow(name: string): Uint8Array | undefined {
    return this.hasKey(name) ? readSeed(this.folder, name) : undefined;
  }

  hasKey(name: string): boolean {
    return existsSync(keyFile(this.folder, name));
  }

  /** 32-byte seed: ledger, decider, admin, gateway, or a party's, such as platform-acme. */
  key(name: string): Uint8Array {
    let seed = this.#seeds.get(name);
    if (seed === undefined) this.#seeds.set(name, (seed = readSeed(this.folder, name)));
    return seed;
  }

  /** The ledger's seeds, the oldest first: `ledger.seed`, and after each theft another, `ledger.<n>.seed`, from which new logs take their keys. */
  ledgerSeeds(): Uint8Array[] {
    return this.#ledgerSeedNames().flatMap((name) => this.keyNow(name) ?? []);
  }

  newestLedgerSeed(): Uint8Array {
    return this.ledgerSeeds().at(-1) ?? this.key('ledger');
  }

  /** Name of the file that holds the new seed. */
  drawLedgerSeed(): string {
    const name = `ledger.${this.#ledgerSeedNames().length + 1}`;
    this.createKey(name);
    return keyFile(this.folder, name);
  }

  isOfNewestSeed(origin: string, vkey: string): boolean {
    return formatVkey(origin, ed25519PublicKey(tenantSeed(this.newestLedgerSeed(), origin))) === vkey;
  }

  /** `<name>.next.key` takes the place of `<name>.key`, in one step; false when there is none. */
  promoteKey(name: string): boolean {
    if (!this.hasKey(`${name}.next`)) return false;
    replaceFile(keyFile(this.folder, `${name}.next`), keyFile(this.folder, name));
    this.#seeds.clear();
    return true;
  }

  #ledgerSeedNames(): string[] {
    const names = ['ledger'];
    while (this.hasKey(`ledger.${names.length + 1}`)) names.push(`ledger.${names.length + 1}`);
    return names;
  }

  /** The key of that name, drawn now when there is none. */
  createKey(name: string): Uint8Array {
    drawSeed(this.folder, name);
    return this.key(name);
  }

  /** The demo's bearer string for a tenant; undefined when there is none. */
  token(tenant: string): string | undefined {
    const file = tokenFile(this.folder, tenant);
    return existsSync(file) ? readSecret(file).trim() : undefined;
  }

  keepToken(tenant: string, bearer: string): void {
    makeFolder(join(this.folder, 'tokens'), SECRET_FOLDER);
    writeWhole(tokenFile(this.folder, tenant), `${bearer}\n`, SECRET_FILE);
  }

  /** A folder of this home, made when missing: what the notary has signed, or the broker's data. */
  subfolder(name: 'guard' | 'kafka'): string {
    const folder = join(this.folder, name);
    makeFolder(folder, SECRET_FOLDER);
    return folder;
  }

  /** A topic's name on Kafka. */
  topic(name: string): string {
    return this.config.topicPrefix + name;
  }
}

const LEDGER_SEED = /^ledger(\.\d+)?$/;
/** Names of the ledger's own keys: no party's key may lie in their files. */
export const isLedgerKeyName = (name: string): boolean =>
  LEDGER_SEED.test(name) || /^(admin|gateway|decider|recovery)(\.next)?$/.test(name);

/** A key in a file of its own, which must not exist; returns its public key in base64. Throws HomeError. */
export function drawKeyFile(file: string): string {
  const seed = randomBytes(32);
  if (!writeNew(file, `${base64(seed)}\n`, SECRET_FILE))
    throw new HomeError('LEDGER_EXISTS', `${file} exists: no key is ever replaced by mistake`);
  return base64(ed25519PublicKey(seed));
}

function drawSeed(folder: string, name: string): Uint8Array {
  makeFolder(join(folder, 'keys'), SECRET_FOLDER);
  const file = keyFile(folder, name);
  if (!existsSync(file)) writeNew(file, `${base64(randomBytes(32))}\n`, SECRET_FILE);
  return readSeed(folder, name);
}

function readSeed(folder: string, name: string): Uint8Array {
  const file = keyFile(folder, name);
  if (!existsSync(file)) throw new HomeError('NO_KEY', `${file} is missing: this step must run where that key is`);
  let seed: Uint8Array;
  try {
    seed = fromBase64(readSecret(file).trim());
  } catch (cause) {
    if (cause instanceof HomeError) throw cause;
    throw new HomeError('DAMAGED', `${file} is not base64: restore it from a copy`);
  }
  if (seed.length !== 32) throw new HomeError('DAMAGED', `${file} holds ${seed.length} bytes, expected 32: restore it from a copy`);
  return seed;
}

/** Refuses a file that others can read or write: it may be known, or somebody else's. */
function readSecret(file: string): string {
  const mode = statSync(file).mode & 0o777;
  if ((mode & 0o077) !== 0)
    throw new HomeError('KEY_EXPOSED', `${file} has mode 0${mode.toString(8)}: make it yours alone with chmod 600, or draw a new key`);
  return readFileSync(file, 'utf8');
}

function keyFile(folder: string, name: string): string {
  return join(folder, 'keys', `${fileName(name)}${LEDGER_SEED.test(name) ? '.seed' : '.key'}`);
}

function tokenFile(folder: string, tenant: string): string {
  return join(folder, 'tokens', `${fileName(tenant)}.token`);
}

/** Identifiers may hold a slash. */
function fileName(identifier: string): string {
  return encodeURIComponent(identifier);
}
