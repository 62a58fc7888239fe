import { describe, expect, it } from 'vitest';
import { bounded } from './bounded.ts';
import { SimClock } from './clock.ts';

const lateness = { message: 'it has not come back', operation: 'write' };

/** This process does not run for a while, as on a machine that others use. */
function standStill(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}

describe('work that is waited for', () => {
  it('ends the wait', async () => {
    expect(await bounded(new SimClock(100, 0), 60_000, Promise.resolve('done'), lateness)).toBe('done');
  });

  it('that never ends is waited for as long as was said', async () => {
    const clock = new SimClock(100, 0);
    for (const timeoutMs of [1, 1_000, 10_000]) {
      const startedMs = clock.nowMs();
      const waiting = bounded(clock, timeoutMs, new Promise(() => undefined), lateness);
      await expect(waiting).rejects.toMatchObject({
        code: 'kernel.timeout',
        message: lateness.message,
        details: { operation: 'write' },
      });
      // Timers may be early by less than a millisecond of ours.
      expect(clock.nowMs() - startedMs).toBeGreaterThan(timeoutMs - 101);
    }
  });

  it('has the time in which this process did not run', async () => {
    const clock = new SimClock(100, 0);
    const work = (async () => {
      for (let round = 0; round < 5; round++) await clock.sleep(200);
      return 'done';
    })();
    const waiting = bounded(clock, 6_000, work, lateness);
    standStill(200);
    expect(await waiting).toBe('done');
  });
});
