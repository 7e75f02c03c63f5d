import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { type ClassRule, parseBundle } from '#domain';
import { STANDARD_BUNDLE } from '#testing';
import { describe, expect, it } from 'vitest';

import { repositoryRoot } from '../broker/jars.ts';
import { loadBundleFolder } from './load-folder.ts';

type Fact = ClassRule['facts'][string];

const { classes } = parseBundle(loadBundleFolder(STANDARD_BUNDLE)).tables;
const page = readFileSync(join(repositoryRoot(), 'docs', 'policy.md'), 'utf8');
const section = page.split('### Who signs the facts of the standard bundle')[1]?.split(/^## /m)[0] ?? '';
const documented = section.split('\n').flatMap((line) => {
  const cells = line.split('|').map((cell) => cell.trim());
  return cells.length === 6 && cells[1]?.startsWith('`') === true ? [cells.slice(1, 5).join(' | ')] : [];
});

/** Where it comes from, and whose signature stands behind it. */
function told(fact: Fact): readonly [from: string, by: string] {
  switch (fact.from) {
    case 'table':
      return [`the resource table, \`${fact.attribute}\``, 'admin'];
    case 'actor-table':
      return [`the actors' table, \`${fact.attribute}\``, 'admin'];
    case 'actor':
      return ['the actor that the credential may say', 'admin'];
    case 'contract':
      return [`the parameters, \`${fact.pointer}\``, 'proposer'];
    case 'operation':
      return ["the contract's operation", 'proposer'];
    case 'evidence':
      return [`evidence, \`${fact.evidence}\``, fact.evidence === 'rollback' ? '`ci`, for the way back' : `\`${fact.evidence}\``];
    case 'statement':
      return [`a \`${fact.evidence}\` statement, \`${fact.member}\``, `\`${fact.evidence}\``];
  }
}

describe('docs/policy.md', () => {
  it('says of every fact of the standard bundle where it comes from and who signs it, and of no other', () => {
    const facts = Object.entries(classes).flatMap(([cls, { facts: of }]) =>
      Object.entries(of).map(([name, fact]) => [`\`${cls}\``, `\`${name}\``, ...told(fact)].join(' | ')),
    );
    expect(facts.length).toBeGreaterThan(20);
    expect(documented).toEqual(facts);
  });
});
