// Owns the time of a simulated host, which can run faster than ours: waits that take a real card a minute take half a
// second, and whoever waits through the kernel port's clock sees them in proportion.

import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../kernel/kernel.ts';

export class SimClock implements Clock {
  readonly #speed: number;
  readonly #originMs: number;
  readonly #startedMs = performance.now();
  #skippedMs = 0;

  /** `speed` 100: a second of the host takes 10 ms. `originMs` is the host's time now. */
  constructor(speed: number, originMs: number) {
    this.#speed = speed;
    this.#originMs = originMs;
  }

  nowMs(): number {
    const passedMs = (performance.now() - this.#startedMs) * this.#speed;
    return Math.floor(this.#originMs + passedMs + this.#skippedMs);
  }

  /** A time span of the host goes by at once; who sleeps, sleeps on. */
  skip(durationMs: number): void {
    this.#skippedMs += durationMs;
  }

  async sleep(durationMs: number): Promise<void> {
    await delay(durationMs / this.#speed);
  }

  startTimer(callback: () => void, durationMs: number): NodeJS.Timeout {
    return setTimeout(callback, durationMs / this.#speed);
  }

  /** Our own milliseconds for a time span of the host. */
  realMs(durationMs: number): number {
    return durationMs / this.#speed;
  }

  /** Calls back after a time span of the host; `background` does not keep the process alive. Gives back a stop. */
  schedule(durationMs: number, callback: () => void, options: { background?: boolean } = {}): () => void {
    const timer = this.startTimer(callback, durationMs);
    if (options.background === true) timer.unref();
    return () => clearTimeout(timer);
  }
}
