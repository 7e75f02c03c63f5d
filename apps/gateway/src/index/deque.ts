/** Numbers that join at the end and leave at the front; 8 bytes each. */
export class Deque {
  #items: number[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  /** undefined beyond either end. */
  at(position: number): number | undefined {
    return position < 0 ? undefined : this.#items[this.#head + position];
  }

  push(item: number): void {
    this.#items.push(item);
  }

  shift(): void {
    if (this.length === 0) return;
    this.#head += 1;
    if (this.#head < SLACK || this.#head * 2 < this.#items.length) return;
    this.#items = this.#items.slice(this.#head);
    this.#head = 0;
  }
}

/** Dead items in front that are not worth moving the rest. */
const SLACK = 1024;
