// Owns that not too many work at once: the others wait, in the order in which they came. Work that takes long only waits
// for something, mostly in the kernel: it goes on, and its turn is the next one's.

/**
 * A reset takes 0.1 s, a driver 0.5 s, and i40e and ice refuse settings for 2 s after a reset. What takes longer hangs, or
 * waits for a guest: that needs no processor, and is no reason for others to wait.
 */
export const longestTurnMs = 3_000;

export class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** Does the work when it is its turn. `onLong` is told when it loses its turn, after {@link longestTurnMs}. */
  async take<T>(work: () => Promise<T>, onLong: () => void = () => undefined): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let isOurs = true;
    const timer = setTimeout(() => {
      isOurs = false;
      this.#pass();
      onLong();
    }, longestTurnMs);
    try {
      return await work();
    } finally {
      clearTimeout(timer);
      if (isOurs) this.#pass();
    }
  }

  #pass(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
