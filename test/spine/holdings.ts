/** Looking for bytes everywhere that a ledger could hold them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { codecs, openInput, TOPICS, wire } from '#adapters';

import { LANES, type World } from '../support/world.ts';

/**
 * Where any of `needles` is: topics, from their first record on, keys and headers included; `ledger, opened` for inputs that open with a key
 * that is still on `input-keys`, now or in an older record of it.
 */
export async function topicsWith(world: World, needles: readonly Buffer[]): Promise<string[]> {
  const found = new Set<string>();
  const has = (bytes: Uint8Array): boolean => needles.some((needle) => Buffer.from(bytes).includes(needle));
  for (let lane = 0; lane < LANES; lane++) {
    for (const { name } of TOPICS) {
      for (const { key, value, headers } of await world.read(name, lane)) {
        if ([key, value, Buffer.from(JSON.stringify(headers))].some((bytes) => bytes && has(bytes))) found.add(name);
      }
    }
    const keys = await inputKeys(world, lane);
    for (const { value } of await world.read('ledger', lane)) {
      const { entry, input, inputForm, leafIndex } = wire.decodeRecord(value ?? Buffer.of());
      const { origin } = (JSON.parse(Buffer.from(entry).toString()) as { predicate: { origin: string } }).predicate;
      const key = keys.get(`${origin}\0${leafIndex}`);
      if (inputForm === 'sealed' && key && has(openInput(input, key))) found.add('ledger, opened');
    }
  }
  return [...found].sort();
}

/** Also those that a later record of the topic destroys: until it is compacted, whoever reads it from its start has them. */
export async function inputKeys(world: World, lane: number): Promise<Map<string, Buffer>> {
  const keys = new Map<string, Buffer>();
  for (const { key, value } of await world.read('input-keys', lane)) {
    if (value) keys.set(key?.toString() ?? '', Buffer.from(codecs.inputKey.decode(value).key));
  }
  return keys;
}

/** Files of the broker's disk with any of `needles`; its indexes hold offsets and times only. */
export function filesWith(folder: string, needles: readonly Buffer[]): string[] {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile() && !/index(\.deleted)?$/.test(file.name))
    .map((file) => join(file.parentPath, file.name));
  return names.filter((name) => {
    const bytes = read(name);
    return needles.some((needle) => bytes.includes(needle));
  });
}

/** Empty for one that the broker has deleted meanwhile. */
function read(name: string): Buffer {
  try {
    return readFileSync(name);
  } catch {
    return Buffer.of();
  }
}
