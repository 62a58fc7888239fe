import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { VfleetError } from '../base/errors.ts';
import type { Release } from '../model/attachment.ts';
import type { Lease } from '../model/lease.ts';
import { recordedFeed } from './event-feed.fixture.ts';
import { ReleaseWork } from './release-work.ts';
import type { Suspect } from './release-work.ts';

const longMs = 20_000;

function leaseOf(vf: number, name: string): Lease {
  return {
    apiVersion: 'vfleet/v1',
    kind: 'Lease',
    key: { pf: '0000:01:00.0', vf },
    generation: String(vf).padStart(32, '0'),
    owner: { kind: 'libvirt', uuid: name, name, hold: 'live' },
    network: 'storage',
    settings: {},
    giveBack: { settings: {} },
    acceptedRisks: [],
    createdAt: '2026-11-22T00:00:00.000Z',
  };
}

function releaseOf({ key, owner, network }: Lease, result: Release['result']): Release {
  return { key, owner: owner.name, network, result };
}

/** Work on leases of which each has its own way to be mended; time is the test's. */
function open() {
  const stop = new AbortController();
  const { feed, events } = recordedFeed();
  const suspects = new Map<string, Suspect>();
  const looks: number[] = [];
  let questions = 0;
  const work = new ReleaseWork({
    feed,
    signal: stop.signal,
    findSuspects: async () => {
      looks.push(Date.now());
      return [...suspects.values()];
    },
    recoverAll: async () => ({ releases: [], corrupt: [] }),
    leases: () => {
      questions += 1;
      return { areThere: suspects.size > 0, areYoung: false };
    },
  });
  const following = work.follow();
  /** The lease is a suspect from now on; answers when each try was. */
  const suspect = (lease: Lease, mend: () => Promise<Release['result']>, doing?: string): number[] => {
    const tries: number[] = [];
    suspects.set(lease.generation, {
      lease,
      mend: async (report) => {
        tries.push(Date.now());
        if (doing !== undefined) report(doing);
        const result = await mend();
        if (result === 'free') suspects.delete(lease.generation);
        return releaseOf(lease, result);
      },
    });
    return tries;
  };
  const end = async (): Promise<void> => {
    stop.abort();
    await following;
  };
  /** Somebody else has ended the lease. */
  const endByOthers = (lease: Lease): void => void suspects.delete(lease.generation);
  return { work, events, looks, suspect, end, endByOthers, questions: () => questions };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a lease that ends', () => {
  const stuck = leaseOf(0, 'stuck');
  const other = leaseOf(1, 'web-2');

  it('waits for none that has been stuck for long, not even when its process is just ending', async () => {
    const { work, suspect, end } = open();
    const stuckTries = suspect(stuck, async () => 'kept');
    work.request();
    await vi.advanceTimersByTimeAsync(longMs);
    const before = stuckTries.length;
    const startedMs = Date.now();
    const tries = suspect(other, async () => (Date.now() < startedMs + 30 ? 'kept' : 'free'));
    work.request(({ owner }) => owner.name === 'web-2');
    await vi.advanceTimersByTimeAsync(500);
    expect(tries.map((atMs) => atMs - startedMs)).toEqual([10, 110]);
    // And the stuck one keeps its own pace.
    expect(stuckTries.length - before).toBeLessThanOrEqual(1);
    await end();
  });

  it('waits for none that is being worked on', async () => {
    const { work, suspect, end } = open();
    let finish: (result: Release['result']) => void = () => undefined;
    suspect(
      stuck,
      async () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    );
    work.request();
    await vi.advanceTimersByTimeAsync(longMs);
    const startedMs = Date.now();
    const tries = suspect(other, async () => 'free');
    work.request();
    await vi.advanceTimersByTimeAsync(100);
    expect(tries).toEqual([startedMs + 10]);
    finish('free');
    await end();
  });

  it('is not looked at again and again while it is worked on after a first try', async () => {
    const { work, looks, suspect, end } = open();
    let finish: (result: Release['result']) => void = () => undefined;
    const tries = suspect(stuck, async () => {
      if (tries.length === 1) return 'kept';
      return new Promise((resolve) => {
        finish = resolve;
      });
    });
    work.request();
    await vi.advanceTimersByTimeAsync(longMs);
    expect(tries).toHaveLength(2);
    expect(looks).toHaveLength(2);
    finish('free');
    await end();
  });

  it('is tried at once when something happens to its own VM, however long it was stuck', async () => {
    const { work, suspect, end } = open();
    const tries = suspect(stuck, async () => 'kept');
    work.request();
    await vi.advanceTimersByTimeAsync(longMs);
    const count = tries.length;
    const startedMs = Date.now();
    work.request(({ owner }) => owner.name === 'stuck');
    await vi.advanceTimersByTimeAsync(400);
    expect(tries.slice(count).map((atMs) => atMs - startedMs)).toEqual([10, 110, 310]);
    await end();
  });

  it('is tried ever more slowly while nothing happens', async () => {
    const { work, suspect, end } = open();
    const tries = suspect(stuck, async () => 'kept');
    work.request();
    await vi.advanceTimersByTimeAsync(600_000);
    const gaps = tries.slice(1).map((atMs, at) => atMs - (tries[at] ?? 0));
    expect(gaps.slice(0, 4)).toEqual([100, 200, 400, 800]);
    expect(gaps.at(-1)).toBe(60_000);
    await end();
  });

  it('follows an apply that took long at once', async () => {
    const { work, suspect, events, end } = open();
    const startedMs = Date.now();
    const tries = suspect(stuck, async () => {
      if (Date.now() > startedMs + longMs) return 'free';
      throw new VfleetError('lock.held', 'apply changes this host');
    });
    work.request();
    await vi.advanceTimersByTimeAsync(longMs + 200);
    expect((tries.at(-1) ?? 0) - startedMs - longMs).toBeLessThanOrEqual(100);
    // Told once, not at every try.
    expect(events.map(({ kind }) => kind)).toEqual(['failed', 'released']);
    await end();
  });

  it('leaves the agent at rest when it was the last one, and somebody else ended it', async () => {
    const { work, suspect, end, endByOthers, questions } = open();
    suspect(stuck, async () => 'kept');
    work.request();
    await vi.advanceTimersByTimeAsync(1_000);
    endByOthers(stuck);
    work.reconsider();
    const before = questions();
    await vi.advanceTimersByTimeAsync(longMs);
    expect(questions() - before).toBeLessThan(5);
    await end();
  });

  it('is looked at once more when something happened while it was worked on', async () => {
    const { work, suspect, end } = open();
    let finish: (result: Release['result']) => void = () => undefined;
    const tries = suspect(
      stuck,
      async () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    );
    work.request();
    await vi.advanceTimersByTimeAsync(50);
    work.request();
    await vi.advanceTimersByTimeAsync(50);
    expect(tries).toHaveLength(1);
    finish('quarantined');
    await vi.advanceTimersByTimeAsync(50);
    expect(tries).toHaveLength(2);
    finish('free');
    await end();
  });
});

describe('leases that end together', () => {
  it('are worked on eight at a time', async () => {
    const { work, suspect, end } = open();
    let atOnce = 0;
    let most = 0;
    const tries = Array.from({ length: 20 }, (_, vf) =>
      suspect(leaseOf(vf, `vm-${vf}`), async () => {
        atOnce += 1;
        most = Math.max(most, atOnce);
        await new Promise((resolve) => setTimeout(resolve, 100));
        atOnce -= 1;
        return 'free';
      }),
    );
    work.request();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(tries.every(({ length }) => length === 1)).toBe(true);
    expect(most).toBe(8);
    await end();
  });

  it('wait for no more than some seconds while eight others hang, which are named and not begun anew', async () => {
    const { work, events, suspect, end } = open();
    const finish: ((result: Release['result']) => void)[] = [];
    const hanging = Array.from({ length: 8 }, (_, vf) =>
      suspect(
        leaseOf(vf, `vm-${vf}`),
        async () => new Promise((resolve) => void finish.push(resolve)),
        `cleaning VF ${vf}`,
      ),
    );
    const tries = suspect(leaseOf(8, 'web-1'), async () => 'free');
    work.request();
    await vi.advanceTimersByTimeAsync(2_900);
    expect(tries).toHaveLength(0);
    expect(work.hanging).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    expect(tries).toHaveLength(1);
    expect(work.hanging.map(({ lease, doing }) => [lease.owner.name, doing])).toEqual(
      hanging.map((_, vf) => [`vm-${vf}`, `cleaning VF ${vf}`]),
    );
    // Whatever happens, each is begun once, and told once.
    for (let round = 0; round < 10; round++) {
      work.request();
      await vi.advanceTimersByTimeAsync(longMs);
    }
    expect(hanging.map(({ length }) => length)).toEqual(hanging.map(() => 1));
    expect(events.filter(({ kind }) => kind === 'hanging')).toHaveLength(8);
    expect(events.find(({ kind }) => kind === 'hanging')).toMatchObject({
      key: { vf: 0 },
      vm: 'vm-0',
      text: 'VF 0 of 0000:01:00.0 (vm-0, storage): hangs for 3 s: cleaning VF 0',
    });
    for (const resolve of finish) resolve('free');
    await vi.advanceTimersByTimeAsync(100);
    expect(work.hanging).toEqual([]);
    await end();
  });

  it('are no more than eight at a time again once those that hung are over', async () => {
    const { work, suspect, end } = open();
    let atOnce = 0;
    let most = 0;
    const workFor = async (durationMs: number): Promise<Release['result']> => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      await new Promise((resolve) => setTimeout(resolve, durationMs));
      atOnce -= 1;
      return 'free';
    };
    for (let vf = 0; vf < 8; vf++) suspect(leaseOf(vf, `slow-${vf}`), async () => workFor(longMs));
    work.request();
    await vi.advanceTimersByTimeAsync(longMs + 100);
    most = 0;
    for (let vf = 8; vf < 40; vf++) suspect(leaseOf(vf, `vm-${vf}`), async () => workFor(100));
    work.request();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(most).toBe(8);
    await end();
  });

  it('that take long at every try are told once as hanging, and once as kept', async () => {
    const { work, events, suspect, end } = open();
    const tries = suspect(leaseOf(0, 'web-1'), async () => {
      await new Promise((resolve) => setTimeout(resolve, longMs));
      return 'kept';
    });
    work.request();
    await vi.advanceTimersByTimeAsync(20 * longMs);
    expect(tries.length).toBeGreaterThan(5);
    expect(events.map(({ kind }) => kind)).toEqual(['hanging', 'kept']);
    await vi.advanceTimersByTimeAsync(longMs);
    const ended = end();
    await vi.advanceTimersByTimeAsync(longMs);
    await ended;
  });
});
