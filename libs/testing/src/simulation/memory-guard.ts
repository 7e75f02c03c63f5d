import { type Guard, type GuardedHead, GuardTaken } from '#adapters';
import { hex } from '#domain';

/** A disk that survives its notary's death, or is lost by hand. */
export class GuardDisk {
  #heads = new Map<string, { size: number; root: string }>();
  /** How often it was opened: the last one owns it. */
  #openings = 0;

  get isEmpty(): boolean {
    return this.#heads.size === 0;
  }

  lose(): void {
    this.#heads = new Map();
  }

  holds(origin: string, size: number): boolean {
    return (this.#heads.get(origin)?.size ?? 0) >= size;
  }

  readonly open = (): Guard => {
    const heads = this.#heads;
    const opening = ++this.#openings;
    return {
      heads,
      record: (given: readonly GuardedHead[]) => {
        for (const { origin, size, root } of given) {
          if (size > (heads.get(origin)?.size ?? 0)) heads.set(origin, { size, root: hex(root) });
        }
        if (opening !== this.#openings) throw new GuardTaken('guard: another notary has opened it');
      },
      close: () => undefined,
    };
  };
}
