/** A queue in which several owners take turns: the first of each, round and round, whoever queued how much. */
export class FairQueue<T> {
  /** Owners in the order in which their turns come. */
  readonly #byOwner = new Map<string, T[]>();

  get size(): number {
    let size = 0;
    for (const items of this.#byOwner.values()) size += items.length;
    return size;
  }

  push(owner: string, item: T): void {
    const items = this.#byOwner.get(owner);
    if (items) items.push(item);
    else this.#byOwner.set(owner, [item]);
  }

  /** Puts an item back as the very next one. */
  putBack(owner: string, item: T): void {
    const items = [item, ...(this.#byOwner.get(owner) ?? [])];
    const others = [...this.#byOwner].filter(([other]) => other !== owner);
    this.#byOwner.clear();
    for (const [key, value] of [[owner, items] as const, ...others]) this.#byOwner.set(key, value);
  }

  /** Takes the next item; its owner's next turn comes after everybody else's. */
  shift(): T | undefined {
    for (const [owner, items] of this.#byOwner) {
      const item = items.shift();
      this.#byOwner.delete(owner);
      if (items.length > 0) this.#byOwner.set(owner, items);
      return item;
    }
    return undefined;
  }

  remove(owner: string, item: T): void {
    const rest = this.#byOwner.get(owner)?.filter((other) => other !== item) ?? [];
    if (rest.length > 0) this.#byOwner.set(owner, rest);
    else this.#byOwner.delete(owner);
  }

  items(): T[] {
    return [...this.#byOwner.values()].flat();
  }
}
