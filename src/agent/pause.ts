// Owns waiting that ends early: for a time, until the agent is asked to stop, until somebody calls.
// In our own time, also on a simulated host whose time runs faster: how often the agent looks is a matter of this machine's
// processor. Without AbortSignal.any(), whose signals Node 20 keeps for as long as the agent's own lives.

type StartTimer = (callback: () => void, durationMs: number) => NodeJS.Timeout;

/** Waits; comes back at once, and in silence, when the signal is aborted. */
export async function pause(
  durationMs: number,
  signal: AbortSignal,
  startTimer: StartTimer = setTimeout,
): Promise<void> {
  await new Nap().take(durationMs, signal, startTimer);
}

/** A pause that others can end. */
export class Nap {
  #end: (() => void) | undefined;

  /** Waits like {@link pause}, or until it is woken; answers whether the time was over. One at a time. */
  async take(durationMs: number, signal: AbortSignal, startTimer: StartTimer = setTimeout): Promise<boolean> {
    if (signal.aborted) return false;
    return new Promise((resolve) => {
      const end = (isOver: boolean): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', endEarly);
        this.#end = undefined;
        resolve(isOver);
      };
      const endEarly = (): void => end(false);
      const timer = startTimer(() => end(true), durationMs);
      signal.addEventListener('abort', endEarly);
      this.#end = endEarly;
    });
  }

  /** Ends the nap that is being taken; later ones are not touched. */
  wake(): void {
    this.#end?.();
  }
}
