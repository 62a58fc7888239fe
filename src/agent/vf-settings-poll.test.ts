import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PfAddress } from '../base/identifiers.ts';
import { setVfSettings } from '../kernel/rtnetlink/link.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { KernelSession } from '../kernel/session.ts';
import { openWithVfs } from '../sim/testing/opened-host.ts';
import type { Opened } from '../sim/testing/opened-host.ts';
import { VfSettingsPoll } from './vf-settings-poll.ts';

const pfAt = (at: number): PfAddress => `0000:0${at}:00.0` as PfAddress;

/** The same kernel, in which each request takes so long. */
function slowKernel(kernel: Kernel, takesMs: () => number, asked: number[]): Kernel {
  return {
    ...kernel,
    openNetlink(protocol, options) {
      const socket = kernel.openNetlink(protocol, options);
      return {
        async send(datagram) {
          asked.push(performance.now());
          await new Promise((resolve) => setTimeout(resolve, takesMs()));
          return socket.send(datagram);
        },
        receive: async (receiveOptions) => socket.receive(receiveOptions),
        joinGroup: (group) => socket.joinGroup(group),
        close: () => socket.close(),
      };
    },
  };
}

/** Looks for a minute as the agent does, and notes when a PF was asked. */
async function lookForAMinute(
  opened: Opened,
  pfCount: number,
  takesMs: () => number,
): Promise<readonly number[]> {
  const asked: number[] = [];
  const session = new KernelSession(slowKernel(opened.kernel, takesMs, asked));
  const pfs = Array.from({ length: pfCount }, (_, at) => ({ address: pfAt(at), ifIndex: opened.ifIndex }));
  const poll = new VfSettingsPoll(session, () => pfs);
  const endMs = performance.now() + 60_000;
  const looking = (async () => {
    while (performance.now() < endMs) {
      const { restMs } = await poll.look();
      await new Promise((resolve) => setTimeout(resolve, restMs));
    }
  })();
  await vi.advanceTimersByTimeAsync(80_000);
  await looking;
  session.close();
  return asked.filter((atMs) => atMs < endMs);
}

const gapsOf = (asked: readonly number[], every = 1): number[] =>
  asked.slice(every).map((atMs, at) => atMs - (asked[at] ?? 0));

describe('VFs whose PF is down', () => {
  let opened: Opened;
  beforeEach(async () => {
    opened = await openWithVfs('igb', 2);
    vi.useFakeTimers();
  });
  afterEach(() => void vi.useRealTimers());

  it('are read often enough to tell within a second, 256 of them at 0.13 ms each', async () => {
    const takesMs = 33;
    const asked = await lookForAMinute(opened, 1, () => takesMs);
    expect(Math.max(...gapsOf(asked))).toBeLessThan(700);
    expect((asked.length * takesMs) / 60_000).toBeLessThan(0.051);
  });

  it('are read in turn on eight such PFs, for no larger part of the time and never in a row', async () => {
    const takesMs = 33;
    const asked = await lookForAMinute(opened, 8, () => takesMs);
    expect(Math.max(...gapsOf(asked, 8))).toBeLessThan(5_500);
    expect(Math.min(...gapsOf(asked))).toBeGreaterThan(600);
    expect((asked.length * takesMs) / 60_000).toBeLessThan(0.051);
  });

  it('are read every half second on eight PFs with few VFs', async () => {
    const asked = await lookForAMinute(opened, 8, () => 1);
    expect(Math.max(...gapsOf(asked, 8))).toBeLessThan(520);
    expect(asked.length / 60_000).toBeLessThan(0.051);
  });

  it('are read again soon after a reading that had to wait for others', async () => {
    let isFirst = true;
    const asked = await lookForAMinute(opened, 1, () => {
      const takesMs = isFirst ? 5_000 : 1;
      isFirst = false;
      return takesMs;
    });
    expect(Math.max(...gapsOf(asked))).toBeLessThan(15_100);
    expect(
      gapsOf(asked)
        .slice(1)
        .every((gapMs) => gapMs < 510),
    ).toBe(true);
  });
});

describe('a look at VFs', () => {
  it('tells what was read first, what has changed since, and nothing else', async () => {
    const opened = await openWithVfs('igb', 2);
    const session = new KernelSession(opened.kernel);
    const pfs = [{ address: pfAt(1), ifIndex: opened.ifIndex }];
    const poll = new VfSettingsPoll(session, () => pfs);
    const isOther = async (): Promise<boolean> => (await poll.look()).isOther;
    expect(await isOther()).toBe(true);
    expect(await isOther()).toBe(false);
    await setVfSettings(opened.client, opened.ifIndex, [{ index: 1, settings: { vlan: 7 } }]);
    expect(await isOther()).toBe(true);
    expect(await isOther()).toBe(false);
    // An interface that has gone, and no PF at all.
    pfs[0] = { address: pfAt(1), ifIndex: 9999 };
    expect(await isOther()).toBe(true);
    expect(await isOther()).toBe(false);
    pfs.pop();
    expect(await isOther()).toBe(false);
    session.close();
  });
});
