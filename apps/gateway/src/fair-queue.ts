/** Items of many tenants that wait for one worker, taken in turns: who has a thousand waits behind who has one. */
export class FairQueue<T> {
  readonly #byTenant = new Map<string, T[]>();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  lengthOf(tenant: string): number {
    return this.#byTenant.get(tenant)?.length ?? 0;
  }

  push(tenant: string, item: T): void {
    const items = this.#byTenant.get(tenant);
    if (items) items.push(item);
    else this.#byTenant.set(tenant, [item]);
    this.#length += 1;
  }

  /** The next in turn, which stays; undefined when none waits. */
  peek(): T | undefined {
    for (const [item] of this.#byTenant.values()) return item;
    return undefined;
  }

  /** The oldest item of the tenant whose turn it is; that tenant's next turn is after all others'. */
  take(): T | undefined {
    for (const [tenant, items] of this.#byTenant) {
      const item = items.shift();
      this.#byTenant.delete(tenant);
      if (items.length > 0) this.#byTenant.set(tenant, items); // at the end of the round
      this.#length -= 1;
      return item;
    }
    return undefined;
  }
}
