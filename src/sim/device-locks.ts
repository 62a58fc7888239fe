// Owns the locks that the kernel holds on devices while it works on them: one holder at a time, the others wait.

export class DeviceLocks {
  readonly #tails = new Map<string, Promise<void>>();

  /** Whether somebody works on the device now. */
  isHeld(device: string): boolean {
    return this.#tails.has(device);
  }

  /** Does the work when the device is free; work that never ends keeps it for ever. */
  async run<T>(device: string, work: () => T | Promise<T>): Promise<T> {
    const before = this.#tails.get(device) ?? Promise.resolve();
    let release = (): void => undefined;
    const tail = new Promise<void>((resolve) => {
      release = resolve;
    });
    const mine = before.then(() => tail);
    this.#tails.set(device, mine);
    await before;
    try {
      return await work();
    } finally {
      if (this.#tails.get(device) === mine) this.#tails.delete(device);
      release();
    }
  }
}
