import { codecs } from '#adapters';
import { type InputTopic, PAYLOAD_KINDS } from '#domain';

import { LANE_START_MS, Parties, type Signing } from '../lane/parties.ts';

export interface SimulatedInput {
  readonly topic: InputTopic;
  readonly value: Buffer | null;
}

/** A signature costs more than a step, so what says the same is signed once for all histories. */
export class SignedInputs {
  readonly parties = new Parties('simulation', 1);
  readonly #signed = new Map<string, Buffer>();

  /** What a lane's topic of controls begins with. */
  get initialised(): SimulatedInput {
    return { topic: 'controls', value: Buffer.from(codecs.signedEnvelope.encode(this.parties.initialised)) };
  }

  /** `time`: which of several that say the same in other bytes. */
  remembered(signing: Signing, time = 0): SimulatedInput {
    const name = `${time} ${JSON.stringify(signing)}`;
    const value = this.#signed.get(name) ?? this.#sign(signing);
    this.#signed.set(name, value);
    return { topic: PAYLOAD_KINDS[signing.kind].topic, value };
  }

  /** For what depends on what one history made: no other will say the same. */
  fresh(signing: Signing): SimulatedInput {
    return { topic: PAYLOAD_KINDS[signing.kind].topic, value: this.#sign(signing) };
  }

  #sign(signing: Signing): Buffer {
    const signed = { expiresAtMs: LANE_START_MS + 3_600_000, ...signing };
    return Buffer.from(this.parties.value(signed, LANE_START_MS - 1000));
  }
}
