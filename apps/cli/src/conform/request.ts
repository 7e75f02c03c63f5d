/** A request's members, each read to the one type its operation asks for; anything else is refused. */
import { BytesError, FormatError, fromBase64, fromHex, type Json, parseU64 } from '#domain';

export class RequestError extends FormatError<'REQUEST'> {
  constructor(what: string, options?: ErrorOptions) {
    super('REQUEST', what, options);
  }
}

export class Request {
  constructor(private readonly members: Readonly<Record<string, Json>>) {}

  text(name: string): string {
    return this.#text(this.#member(name), name);
  }

  /** RFC 4648 §4, canonical. */
  bytes(name: string): Uint8Array {
    return this.#decoded(this.#member(name), name, fromBase64);
  }

  hex(name: string): Uint8Array {
    return this.#decoded(this.#member(name), name, fromHex);
  }

  /** A decimal string from 0 to 2^64 − 1, without leading zeros. */
  u64(name: string): bigint {
    const value = parseU64(this.text(name));
    if (value === undefined) throw new RequestError(`${name}: expected a canonical decimal below 2^64`);
    return value;
  }

  /** null is a list without items: so Go writes one. */
  list(name: string): Uint8Array[] {
    const items = this.#member(name) ?? [];
    if (!Array.isArray(items)) throw new RequestError(`${name}: expected an array`);
    return items.map((item, at) => this.#decoded(item, `${name}[${at}]`, fromBase64));
  }

  #member(name: string): Json {
    const value = Object.hasOwn(this.members, name) ? this.members[name] : undefined;
    if (value === undefined) throw new RequestError(`${name}: missing`);
    return value;
  }

  #text(value: Json, name: string): string {
    if (typeof value !== 'string') throw new RequestError(`${name}: expected a string`);
    return value;
  }

  #decoded(value: Json, name: string, decode: (text: string) => Uint8Array): Uint8Array {
    try {
      return decode(this.#text(value, name));
    } catch (cause) {
      if (cause instanceof BytesError) throw new RequestError(`${name}: ${cause.message}`, { cause });
      throw cause;
    }
  }
}
