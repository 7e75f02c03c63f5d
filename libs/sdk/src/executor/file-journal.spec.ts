import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import { FileJournal } from './file-journal.ts';
import { journalContract } from '#testing';
import { JournalLost, type JournalRecord, remember, stillNeeded } from './journal.ts';

const owner = { origin: 'l/t/x', issuer: 'me' };
const HASH = 'a'.repeat(64);
const claimed = (claim: string, offset: string): JournalRecord => ({ kind: 'claimed', claim, decision: '3', action: 'a', offset });
const life: JournalRecord[] = [
  claimed('c-1', '5'),
  { kind: 'running', claim: 'c-1', part: 'result', resultBy: 't', before: HASH },
  { kind: 'ran', claim: 'c-1', part: 'result', outcome: { status: 'succeeded', before: HASH, evidence: [{ type: 'log', digest: HASH }] } },
  { kind: 'reported', claim: 'c-1', part: 'result' },
];
const open: FileJournal[] = [];
const folders: string[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((journal) => journal.close()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function file(): string {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-journal-'));
  folders.push(folder);
  return join(folder, 'sub', 'me.jsonl');
}
function start(path: string, who = owner): FileJournal {
  const journal = FileJournal.open(path, who);
  open.push(journal);
  return journal;
}
async function filled(records: readonly JournalRecord[]): Promise<string> {
  const path = file();
  const journal = start(path);
  for (const record of records) await journal.append(record);
  await journal.close();
  return path;
}

describe('a journal in a file, on a volume that two hosts share', () => {
  journalContract(() => {
    const path = file();
    // Another host's kernel knows nothing of the first one's lock: without its file there is none here, either.
    return {
      open: () => {
        rmSync(`${path}.lock`, { force: true });
        return start(path);
      },
    };
  });

  it('ends an owner whose file another owner has replaced, though the mark was restored', async () => {
    const path = await filled(life);
    const journal = start(path);
    writeFileSync(`${path}.copy`, readFileSync(path));
    renameSync(`${path}.copy`, path);
    await expect(journal.append(claimed('c-2', '6'))).rejects.toThrow(/was replaced.*run one executor for each journal/);
  });

  it('names the process and host of the new owner', async () => {
    const path = file();
    const former = start(path);
    rmSync(`${path}.lock`);
    start(path);
    await expect(former.append(claimed('c-1', '1'))).rejects.toThrow(`another owner now: process ${process.pid} on host `);
    await expect(former.append(claimed('c-1', '1'))).rejects.toBeInstanceOf(JournalLost);
  });
});

describe('the journal of an executor', () => {
  it('holds what was appended, for its owner alone, and goes on after it', async () => {
    const path = await filled(life);
    const again = start(path);
    expect(await again.load()).toEqual(life);
    await again.append({ kind: 'ended', claim: 'c-1', why: 'done' });
    expect(remember(await again.load()).claims.get('c-1')).toMatchObject({ ended: true, resultBy: 't', offset: 5n });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('drops a last line that a crash cut short, and refuses any other damage', async () => {
    const path = await filled(life);
    appendFileSync(path, '{"kind":"ended","cl');
    const again = start(path);
    expect(await again.load()).toEqual(life);
    await again.close();
    writeFileSync(path, readFileSync(path, 'utf8').replace('"running"', '"walking"'));
    expect(() => start(path)).toThrow(/line 3 is damaged/);
  });

  it('is refused with bytes that are no utf-8, and keeps them as they are; a cut last line may end within a character', async () => {
    const path = await filled(life);
    appendFileSync(path, '{"kind":"ended","claim":"c-1","why":"schön'.slice(0, -1));
    appendFileSync(path, Uint8Array.of(0xc3));
    const again = start(path);
    expect(await again.load()).toEqual(life);
    await again.close();
    const damaged = readFileSync(path);
    damaged[damaged.indexOf('"t"') + 1] = 0xff;
    writeFileSync(path, damaged);
    expect(() => start(path)).toThrow(/not valid utf-8/);
    expect(readFileSync(path)).toEqual(damaged);
  });

  it('is refused to a second one while it is open, and lock and all are free again afterwards', async () => {
    const path = file();
    const journal = start(path);
    expect(() => start(path)).toThrow(/in use by process/);
    await journal.close();
    await expect(journal.append(claimed('c-1', '1'))).rejects.toThrow(/closed/);
    start(path);
  });

  it('is refused to another executor, and to one of another ledger', async () => {
    const path = await filled(life);
    expect(() => start(path, { ...owner, issuer: 'other' })).toThrow(/expected the journal/);
    expect(() => start(path, { ...owner, origin: 'l/t/y' })).toThrow(/expected the journal/);
  });

  it('forgets on opening only claims that ended before the position', async () => {
    const ended: JournalRecord = { kind: 'ended', claim: 'c-1', why: 'done' };
    const open = claimed('c-2', '6');
    expect(stillNeeded([...life, ended, open])).toEqual([...life, ended, open]);
    const position: JournalRecord = { kind: 'position', offset: '6' };
    const path = await filled([...life, ended, open, position]);
    expect(await start(path).load()).toEqual([position, open]);
    expect(stillNeeded([...life, position])).toEqual([position, ...life]);
  });

  it('throws for what it says about a claim that it does not know', () => {
    expect(() => remember([{ kind: 'ended', claim: 'c-9', why: '' }])).toThrow(/does not know/);
    expect(() => remember([claimed('c-1', '1'), { kind: 'reported', claim: 'c-1', part: 'result' }])).toThrow(/before it ran/);
  });
});
