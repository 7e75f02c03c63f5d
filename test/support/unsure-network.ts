/** A network between services and one broker that a test can break: it cuts connections, delays what is sent, and changes what is answered. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

import { decodeFetchAnswer } from '../../libs/adapters/src/kafka/fetch-request.ts';

const HOST = '127.0.0.1';

/** In the names of tests that are skipped where it does not hold. */
export const NEEDS_LOCAL = 'skipped unless Kafka is one broker at 127.0.0.1';
export const isLocal = (brokers: readonly string[]): boolean => brokers.length === 1 && brokers[0]?.startsWith(`${HOST}:`) === true;
/** https://kafka.apache.org/protocol#protocol_api_keys */
const PRODUCE = 0;
const FETCH = 1;
const END_TXN = 26;
const SHOWN: Readonly<Record<number, string>> = { [PRODUCE]: 'produce request', [END_TXN]: 'request to end a transaction' };
/** Before the body of a frame: its length, and of a request then its API key and version. */
const LENGTH_BYTES = 4;
const KEY_AT = LENGTH_BYTES;
const REQUEST_ID_AT = 8;
const ANSWER_ID_AT = 4;
const ANSWER_AT = 8;
/** Of a record batch, just past its header: the checksum covers it. */
const CHANGED_AT = 61;

export class UnsureNetwork {
  readonly #server: Server;
  readonly #cuts = new Set<() => void>();
  /** What has been sent since the network stands still, in order; undefined while it works. */
  #held: (() => void)[] | undefined;
  #late: Record<string, number> = {};
  #changes = 0;

  private constructor(
    private readonly brokerPort: number,
    private readonly onRequest: (frame: Buffer) => void,
  ) {
    this.#server = createServer((client) => {
      this.#link(client);
    });
  }

  /**
   * To one broker at 127.0.0.1. What it says of its own address is changed to the network's, so that nobody goes around it. `onRequest` may
   * change what is sent.
   */
  static async open(broker: string, onRequest: (frame: Buffer) => void = () => undefined): Promise<UnsureNetwork> {
    const network = new UnsureNetwork(Number(broker.slice(HOST.length + 1)), onRequest);
    network.#server.listen(0, HOST);
    await once(network.#server, 'listening');
    return network;
  }

  /** What services get as KAFKA_BROKERS. */
  get address(): string {
    return `${HOST}:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Ends every connection at both ends, by resetting it; new ones are let through. Returns how many there were. */
  cut(): number {
    const cuts = [...this.#cuts];
    for (const cut of cuts) cut();
    return cuts.length;
  }

  /** From now on nothing arrives, on old connections or new ones, and nobody is told. */
  hold(): void {
    this.#held ??= [];
    this.#late = {};
  }

  /** What was held arrives, in order; also what a service sent that has given up waiting. Returns how many requests of which kind did. */
  release(): Readonly<Record<string, number>> {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const arrive of held) arrive();
    return this.#late;
  }

  /** In each of the next answers that bring records, so many, one bit of them is changed. */
  change(answers: number): void {
    this.#changes += answers;
  }

  /** How many answers are still to be changed. */
  get changesLeft(): number {
    return this.#changes;
  }

  async close(): Promise<void> {
    this.#held = undefined;
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #link(client: Socket): void {
    const broker = connect({ host: HOST, port: this.brokerPort, noDelay: true });
    const cut = (): void => {
      client.resetAndDestroy();
      broker.resetAndDestroy();
    };
    this.#cuts.add(cut);
    /** The requests for records that are not answered yet. */
    const fetches = new Set<number>();
    const requests = new Frames((frame) => {
      const key = frame.readInt16BE(KEY_AT);
      if (key === FETCH) fetches.add(frame.readInt32BE(REQUEST_ID_AT));
      const kind = SHOWN[key];
      if (this.#held && kind) this.#late[kind] = (this.#late[kind] ?? 0) + 1;
      this.onRequest(frame);
      this.#pass(() => broker.write(frame));
    });
    const answers = new Frames((frame) => {
      this.#readdress(frame);
      if (fetches.delete(frame.readInt32BE(ANSWER_ID_AT)) && this.#changes > 0 && changeOneBit(frame)) this.#changes -= 1;
      this.#pass(() => client.write(frame));
    });
    client.setNoDelay(true);
    client.on('data', (bytes) => {
      requests.push(bytes);
    });
    broker.on('data', (bytes) => {
      answers.push(bytes);
    });
    for (const [one, other] of [[client, broker] as const, [broker, client] as const]) {
      one.on('error', () => undefined); // 'close' follows
      one.on('close', () => {
        this.#cuts.delete(cut);
        this.#pass(() => other.end());
      });
    }
  }

  #pass(arrive: () => void): void {
    if (this.#held) this.#held.push(arrive);
    else arrive();
  }

  /** The broker names itself by its host, as text, and then its port in four bytes. */
  #readdress(frame: Buffer): void {
    const port = Buffer.alloc(4);
    port.writeInt32BE(this.brokerPort);
    const itself = Buffer.concat([Buffer.from(HOST), port]);
    const ours = (this.#server.address() as AddressInfo | null)?.port;
    if (ours === undefined) return; // closed: what still arrives finds nobody
    for (let at = frame.indexOf(itself); at >= 0; at = frame.indexOf(itself, at + 1)) frame.writeInt32BE(ours, at + HOST.length);
  }
}

/** Of the records in an answer to a fetch; returns whether it has any. */
function changeOneBit(frame: Buffer): boolean {
  const { partitions } = decodeFetchAnswer(frame.subarray(ANSWER_AT));
  const records = partitions.find(({ recordSet }) => recordSet.length > CHANGED_AT)?.recordSet;
  records?.writeUInt8(records.readUInt8(CHANGED_AT) ^ 1, CHANGED_AT);
  return records !== undefined;
}

/** Kafka's frames: four bytes of length, then so many bytes. */
class Frames {
  #waiting = Buffer.alloc(0);
  constructor(private readonly each: (frame: Buffer) => void) {}

  push(bytes: Buffer): void {
    this.#waiting = Buffer.concat([this.#waiting, bytes]);
    while (this.#waiting.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + this.#waiting.readInt32BE(0);
      if (this.#waiting.length < end) return;
      const frame = this.#waiting.subarray(0, end);
      this.#waiting = this.#waiting.subarray(end);
      this.each(frame);
    }
  }
}
