/** The most recently used `max` values; the rest is forgotten. */
export class Lru<K, V> {
  readonly #items = new Map<K, V>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get(key: K): V | undefined {
    const value = this.#items.get(key);
    if (value === undefined) return undefined;
    this.#items.delete(key);
    this.#items.set(key, value);
    return value;
  }

  set(key: K, value: V): void {
    this.#items.delete(key);
    this.#items.set(key, value);
    if (this.#items.size <= this.#max) return;
    for (const oldest of this.#items.keys()) if (this.#items.delete(oldest)) break;
  }
}
