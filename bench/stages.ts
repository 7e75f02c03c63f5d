import { CedarEngine, codecs, sealInput, wire } from '#adapters';
import { ed25519Verify, sha256 } from '#crypto';
import {
  buildBatch,
  canonicalBytes,
  decide,
  emptyLane,
  evolve,
  fromBase64,
  leafHash,
  NESTING_MAX,
  pae,
  parseBundle,
  parseCanonical,
  parsePayload,
  type DecideContext,
} from '#domain';

import type { BenchLedger } from './ledger.ts';

export interface Stage {
  readonly name: string;
  /** Unit µs, median. */
  readonly p50: number;
}

const ROUNDS = 2000;

/** What one decision costs inside the decider's process, part by part. */
export function stagesOf({ home, proposals, engineRequest, bundleDocument, controls, proposerKey }: BenchLedger): Stage[] {
  const engine = new CedarEngine();
  const bundle = parseBundle(bundleDocument);
  const samples = proposals(ROUNDS);
  const values = samples.map(({ record }) => record.value ?? Buffer.alloc(0));
  const [value = Buffer.alloc(0)] = values;
  const envelope = codecs.signedEnvelope.decode(value);
  const payload = parseCanonical(envelope.payload, { maxDepth: NESTING_MAX });
  const message = pae(envelope.payloadType, envelope.payload);
  const issuer = fromBase64(proposerKey);
  const birth = home.birth();
  const key = new Uint8Array(32).fill(1);
  const state = emptyLane(birth, 0);
  const context: DecideContext = { nowMs: Date.now(), engine: admitting(engine), wire, birth };
  for (const control of controls) {
    const decided = decide(
      state,
      { kind: 'record', topic: 'controls', offset: control.offset, value: control.value, inputKey: key },
      context,
    );
    for (const entry of decided.entries) evolve(state, entry, decided.facts);
  }
  let offset = 0n;
  const whole = (): void => {
    const decided = decide(
      state,
      { kind: 'record', topic: 'actions', offset, value: values[Number(offset)] ?? null, inputKey: key },
      context,
    );
    offset += 1n;
    for (const entry of decided.entries) {
      evolve(state, entry, decided.facts);
      if (entry.statement.predicate.verdict !== 'ALLOW') throw new Error('the sample proposal must be allowed');
      buildBatch(state.heads, [{ entry, inputForm: 'sealed', input: sealInput(value, key) }], key, wire);
    }
  };
  const stages: [string, () => unknown][] = [
    ['decode the envelope', () => codecs.signedEnvelope.decode(value)],
    ['parse canonical JSON', () => parseCanonical(envelope.payload, { maxDepth: NESTING_MAX })],
    ['verify the issuer’s signature', () => ed25519Verify(issuer, message, envelope.signature)],
    ['check the body', () => parsePayload('action.proposed', payload)],
    ['ask the engine', () => engine.authorize(bundle, engineRequest)],
    ['canonical statement of the same size', () => canonicalBytes(payload)],
    ['hash a leaf', () => [leafHash(envelope.payload), sha256(envelope.payload)]],
    ['seal the input', () => sealInput(value, key)],
    ['whole decision, in a batch of its own', whole],
  ];
  return stages.map(([name, run]) => ({ name, p50: medianMicros(run) }));
}

/** The bench's own bundle is known to be good. */
const admitting = (engine: CedarEngine): DecideContext['engine'] => ({
  name: engine.name,
  refusals: () => [],
  guards: (bundle) => engine.guards(bundle),
  authorize: (bundle, request) => engine.authorize(bundle, request),
  parametersValid: (...args) => engine.parametersValid(...args),
});

function medianMicros(run: () => unknown): number {
  const times = new Float64Array(ROUNDS);
  for (let at = 0; at < ROUNDS; at++) {
    const started = performance.now();
    run();
    times[at] = (performance.now() - started) * 1000;
  }
  return Math.round((times.sort()[ROUNDS >> 1] ?? 0) * 10) / 10;
}
