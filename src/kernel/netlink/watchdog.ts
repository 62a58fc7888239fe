// Owns the time bound on a conversation with the kernel: one timer for all requests of a socket, one after the other.
// A timer for each would cost more than the request.

import type { Clock } from '../kernel.ts';

export class Watchdog {
  readonly #startTimer: Clock['startTimer'];
  #timer: NodeJS.Timeout | undefined;
  #timeoutMs = 0;
  #onLate: (() => void) | undefined;

  constructor(startTimer: Clock['startTimer']) {
    this.#startTimer = startTimer;
  }

  /** Calls `onLate` unless it is stopped, or started again, within the time. Keeps the process alive until then. */
  start(timeoutMs: number, onLate: () => void): void {
    this.#onLate = onLate;
    if (this.#timer !== undefined && this.#timeoutMs === timeoutMs) {
      this.#timer.refresh().ref();
      return;
    }
    clearTimeout(this.#timer);
    this.#timeoutMs = timeoutMs;
    this.#timer = this.#startTimer(() => {
      this.#timer = undefined;
      this.#onLate?.();
    }, timeoutMs);
  }

  /** The timer goes on for the next request, but neither calls anybody nor keeps the process alive. */
  stop(): void {
    this.#onLate = undefined;
    this.#timer?.unref();
  }

  /** Takes the timer away. */
  close(): void {
    this.#onLate = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
