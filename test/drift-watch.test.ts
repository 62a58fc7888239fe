// When the host is compared with the spec while somebody works on what differs.

import { afterEach, describe, expect, it, vi } from 'vitest';
import { DriftWatch } from '../src/agent/drift-watch.ts';
import { recordedFeed } from '../src/agent/event-feed.fixture.ts';
import { attachVf } from '../src/assign/attach.ts';
import { lockHost } from '../src/apply/host-lock.ts';
import { listEveryLease } from '../src/lease/lease-store.ts';
import { lockVf } from '../src/lease/vf-lock.ts';
import { agentSpec, recordSpec, setBehindBack } from './agent.fixture.ts';
import { makeWorld, openProcess, removeFolders, request } from './assigning.fixture.ts';

const busyForMs = 60_000;

afterEach(() => {
  vi.useRealTimers();
  removeFolders();
});

/** A host with a leased VF that differs from its lease, and a watch whose comparisons are counted. */
async function open() {
  const world = await makeWorld('igb', agentSpec);
  recordSpec(world);
  const { host, kernel } = openProcess(world);
  await attachVf(host, world.readGround, request('web-1'));
  const [lease] = await listEveryLease(host.leases);
  if (lease === undefined) throw new Error('no lease');
  await setBehindBack(kernel, lease.key.vf, { vlan: 9 });
  vi.useFakeTimers();

  const stop = new AbortController();
  const { feed, events } = recordedFeed();
  let count = 0;
  const watch = new DriftWatch({
    host,
    feed,
    signal: stop.signal,
    onChange: () => undefined,
    onCompared: () => void (count += 1),
    onLook: () => undefined,
  });
  const following = watch.follow();
  /** How often the host is compared in this time. */
  const comparisonsIn = async (durationMs: number): Promise<number> => {
    const before = count;
    await vi.advanceTimersByTimeAsync(durationMs);
    return count - before;
  };
  const end = async (): Promise<void> => {
    stop.abort();
    await following;
    host.session.close();
  };
  return { world, watch, key: lease.key, events, comparisonsIn, end };
}

describe('a host that is being changed for long', () => {
  it.each<[string, (stateFolder: string, key: Parameters<typeof lockVf>[1]) => Promise<unknown>]>([
    ['in one VF', async (stateFolder, key) => lockVf(stateFolder, key)],
    ['as a whole', async (stateFolder) => lockHost(stateFolder, { command: 'apply', waitMs: 0 })],
  ])('%s is compared ever more slowly, and soon after something happens', async (_, take) => {
    const { world, watch, key, events, comparisonsIn, end } = await open();
    const lock = (await take(world.stateFolder, key)) as { release: () => void };
    watch.poke();
    // After 0, 0.25, 0.75, 1.75, 3.75, 7.75 s; then every 8 s.
    expect(await comparisonsIn(2_000)).toBeGreaterThanOrEqual(3);
    await comparisonsIn(8_000);
    expect(await comparisonsIn(busyForMs)).toBeLessThanOrEqual(8);
    expect(await comparisonsIn(busyForMs)).toBeGreaterThanOrEqual(7);

    watch.poke();
    expect(await comparisonsIn(2_000)).toBeGreaterThanOrEqual(3);
    expect(events).toEqual([]);
    lock.release();
    await comparisonsIn(9_000);
    expect(events.map(({ kind }) => kind)).toEqual(['drift-began']);
    await end();
  });
});
