import { describe, expect, it } from 'vitest';
import type { Clock } from '../kernel/kernel.ts';
import { KernelSession } from '../kernel/session.ts';
import { createSimKernel } from '../sim/sim-kernel.ts';
import { waitFor } from './execution.ts';
import type { Execution } from './execution.ts';
import { defaultTimeouts } from './timeouts.ts';

/** An execution whose time passes only where a test says so. */
function executionAt(clock: Clock): Execution {
  const kernel = { ...createSimKernel({ profile: 'igb' }), clock };
  return {
    session: new KernelSession(kernel),
    timeouts: defaultTimeouts,
    allowDisruption: false,
    report: () => undefined,
  };
}

/** Time that stands still but for sleeps and for what a test adds. */
function ownClock(): Clock & { pass(durationMs: number): void } {
  let nowMs = 0;
  const pass = (durationMs: number): void => void (nowMs += durationMs);
  return { nowMs: () => nowMs, sleep: async (durationMs) => pass(durationMs), startTimer: setTimeout, pass };
}

describe('waiting for something', () => {
  it('looks until it is there', async () => {
    const clock = ownClock();
    let looks = 0;
    const look = () => ((looks += 1) === 3 ? 'there' : undefined);
    expect(await waitFor(executionAt(clock), 1_000, look)).toBe('there');
    expect(clock.nowMs()).toBe(2 * defaultTimeouts.pollMs);
  });

  it('ends when the time is over, and looks once even without any', async () => {
    for (const [timeoutMs, looked] of [
      [0, 1],
      [3 * defaultTimeouts.pollMs, 4],
    ] as const) {
      let looks = 0;
      const look = () => void (looks += 1);
      expect(await waitFor(executionAt(ownClock()), timeoutMs, look)).toBeUndefined();
      expect(looks).toBe(looked);
    }
  });

  // A process, or a whole VM, that is stopped for a while: what was waited for came meanwhile.
  it('looks once more when the time went by during a look', async () => {
    const clock = ownClock();
    let isThere = false;
    const look = async () => {
      const found = isThere ? 'there' : undefined;
      isThere = true;
      clock.pass(60_000);
      return found;
    };
    expect(await waitFor(executionAt(clock), 1_000, look)).toBe('there');
  });
});
