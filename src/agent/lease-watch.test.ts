import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { VfleetError } from '../base/errors.ts';
import type { LeaseRecords, LeaseStore } from '../lease/lease-store.ts';
import type { Lease } from '../model/lease.ts';
import { recordedFeed } from './event-feed.fixture.ts';
import { LeaseWatch } from './lease-watch.ts';

const lease: Lease = {
  apiVersion: 'vfleet/v1',
  kind: 'Lease',
  key: { pf: '0000:01:00.0', vf: 3 },
  generation: '3'.repeat(32),
  owner: { kind: 'libvirt', uuid: 'web-1', name: 'web-1', hold: 'live' },
  network: 'storage',
  settings: {},
  giveBack: { settings: {} },
  acceptedRisks: [],
  createdAt: '2026-11-22T00:00:00.000Z',
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Follows a store of which no change is told; `list` is what it answers. */
function follow(list: () => LeaseRecords) {
  const stop = new AbortController();
  const { feed, events } = recordedFeed();
  const changes: number[] = [];
  const leases: Pick<LeaseStore, 'list' | 'watch'> = {
    list: async () => list(),
    watch: (signal) => ({
      [Symbol.asyncIterator]: () => ({
        next: async () =>
          new Promise((resolve) => {
            signal.addEventListener('abort', () => resolve({ done: true, value: undefined }));
          }),
      }),
    }),
  };
  const watch = new LeaseWatch({
    feed,
    signal: stop.signal,
    leases: leases as LeaseStore,
    onChange: (now) => changes.push(now.length),
  });
  const following = watch.follow();
  const end = async (): Promise<void> => {
    stop.abort();
    await following;
  };
  return { watch, events, changes, end };
}

it('Leases that cannot be read are asked for again, also when nothing tells of a change', async () => {
  let readings = 0;
  const { watch, events, changes, end } = follow(() => {
    readings += 1;
    if (readings <= 3) throw new VfleetError('file.unreadable', 'too many open files');
    return { leases: [lease], corrupt: [] };
  });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(watch.leases).toEqual([lease]);
  expect(changes).toEqual([1]);
  expect(events.map(({ kind }) => kind)).toEqual(['failed', 'lease-began']);
  // And no longer than they cannot be read.
  expect(readings).toBe(4);
  await end();
});
