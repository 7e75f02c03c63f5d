import { Command } from 'commander';
import { expect, it } from 'vitest';

import { codecs, wire } from '#adapters';
import { INPUT_TOPICS, kindOf, NESTING_MAX, parseCanonical, parsePayload, PAYLOAD_KINDS } from '#domain';

import { Context } from '../context.ts';
import { sampleOf } from './sample.ts';

const program = new Command().option('--data <dir>').option('--json', '', true);
const context = new Context(program.parse(['--data', '/nowhere'], { from: 'user' }));

it.each(INPUT_TOPICS)('the sample of %s is one record of a kind that goes there, whole in every member', (topic) => {
  const envelope = sampleOf(context, topic);
  expect(wire.decodeEnvelope(codecs.signedEnvelope.encode(envelope))).toEqual(envelope);
  const kind = kindOf(envelope.payloadType);
  if (!kind) throw new Error('a payload type of no kind');
  expect(PAYLOAD_KINDS[kind].topic).toBe(topic);
  expect(parsePayload(kind, parseCanonical(envelope.payload, { maxDepth: NESTING_MAX }))).toMatchObject({ ok: true });
});
