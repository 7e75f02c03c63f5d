/** C2SP tlog-policy with exactly one log: the keys a verifier trusts, given by hand, never taken from a receipt. */
import { FormatError } from './errors.ts';
import { COSIGNER_KEY, parseVkey, type Verifier } from './vkey.ts';

export class TrustError extends FormatError<
  'CHARACTER' | 'LINE' | 'LOG' | 'WITNESS' | 'GROUP' | 'QUORUM' | 'NAME' | 'UNKNOWN_NAME' | 'TOO_LARGE'
> {}

/** `quorum` names a witness or a group, or is 'none'. `log.name` is the origin. */
export interface Trust {
  log: Verifier;
  logUrl?: string;
  witnesses: ReadonlyMap<string, Witness>;
  groups: ReadonlyMap<string, Group>;
  quorum: string;
}
export interface Witness {
  verifier: Verifier;
  url?: string;
}
export interface Group {
  threshold: number;
  members: readonly string[];
}

// The specification asks for 32 witnesses and 32 groups at least.
const NAMES_MAX = 128;
const TEXT_MAX = 64 * 1024;

/** The trust file for one log without witnesses. */
export function formatTrust(vkey: string): string {
  return `log ${parseVkey(vkey).vkey}\nquorum none\n`;
}

/** Throws TrustError, VkeyError or KeyError. */
export function parseTrust(text: string): Trust {
  if (text.length > TEXT_MAX) throw new TrustError('TOO_LARGE', `a trust file has at most ${TEXT_MAX} characters`);
  for (let at = 0; at < text.length; at++) checkCharacter(text.charCodeAt(at));
  if (!text.endsWith('\n')) throw new TrustError('LINE', 'a trust file ends in a newline');
  const draft: Draft = { witnesses: new Map(), groups: new Map(), used: new Set() };
  for (const line of text.split('\n')) {
    const words = line.split(/[ \t]+/).filter((word) => word !== '');
    if (words[0]?.startsWith('#') === false) readLine(draft, words);
  }
  const { log, quorum, witnesses, groups, logUrl } = draft;
  if (log === undefined) throw new TrustError('LOG', 'expected exactly one log line, got none');
  if (quorum === undefined) throw new TrustError('QUORUM', 'expected exactly one quorum line, got none');
  return { log, ...(logUrl === undefined ? {} : { logUrl }), witnesses, groups, quorum };
}

interface Draft {
  log?: Verifier;
  logUrl?: string;
  quorum?: string;
  witnesses: Map<string, Witness>;
  groups: Map<string, Group>;
  used: Set<string>; // a name is a member of one group at most, so no witness counts twice
}

function readLine(draft: Draft, words: string[]): void {
  const [kind, ...rest] = words;
  if (kind === 'log') readLog(draft, rest);
  else if (kind === 'witness') readWitness(draft, rest);
  else if (kind === 'group') readGroup(draft, rest);
  else if (kind === 'quorum') readQuorum(draft, rest);
  else throw new TrustError('LINE', `expected log, witness, group or quorum, got ${kind ?? ''}`);
}

function readLog(draft: Draft, [vkey, url, ...more]: string[]): void {
  if (draft.log !== undefined || vkey === undefined || more.length > 0)
    throw new TrustError('LOG', 'expected one line: log <vkey> [<url>]');
  draft.log = parseVkey(vkey);
  if (url !== undefined) draft.logUrl = url;
}

function readWitness(draft: Draft, [name, vkey, url, ...more]: string[]): void {
  if (name === undefined || vkey === undefined || more.length > 0)
    throw new TrustError('WITNESS', 'expected: witness <name> <vkey> [<url>]');
  checkNewName(draft, name);
  const verifier = parseVkey(vkey, COSIGNER_KEY);
  const key = verifier.publicKey.join();
  if ([...draft.witnesses.values()].some((other) => other.verifier.publicKey.join() === key)) {
    throw new TrustError('WITNESS', `witness ${name} has the key of another witness`);
  }
  draft.witnesses.set(name, url === undefined ? { verifier } : { verifier, url });
}

function readGroup(draft: Draft, [name, rule, ...members]: string[]): void {
  if (name === undefined || rule === undefined || members.length === 0) {
    throw new TrustError('GROUP', 'expected: group <name> all|any|<k> <member>...');
  }
  checkNewName(draft, name);
  for (const member of members) {
    checkKnownName(draft, member);
    if (draft.used.has(member)) throw new TrustError('GROUP', `${member} is a group member twice`);
    draft.used.add(member);
  }
  const threshold = rule === 'all' ? members.length : rule === 'any' ? 1 : /^[1-9][0-9]{0,2}$/.test(rule) ? Number(rule) : 0;
  if (threshold < 1 || threshold > members.length) throw new TrustError('GROUP', `group ${name}: no threshold of its members: ${rule}`);
  draft.groups.set(name, { threshold, members });
}

function readQuorum(draft: Draft, [name, ...more]: string[]): void {
  if (draft.quorum !== undefined || name === undefined || more.length > 0)
    throw new TrustError('QUORUM', 'expected one line: quorum <name>');
  if (name !== 'none') checkKnownName(draft, name);
  draft.quorum = name;
}

function checkNewName(draft: Draft, name: string): void {
  if (name === 'none' || draft.witnesses.has(name) || draft.groups.has(name)) throw new TrustError('NAME', `name is taken: ${name}`);
  if (draft.witnesses.size + draft.groups.size >= NAMES_MAX)
    throw new TrustError('TOO_LARGE', `more than ${NAMES_MAX} witnesses and groups`);
}

function checkKnownName(draft: Draft, name: string): void {
  if (!draft.witnesses.has(name) && !draft.groups.has(name))
    throw new TrustError('UNKNOWN_NAME', `not defined on an earlier line: ${name}`);
}

function checkCharacter(code: number): void {
  if ((code < 0x20 && code !== 0x09 && code !== 0x0a) || code === 0x7f)
    throw new TrustError('CHARACTER', 'trust file has a control character');
}
