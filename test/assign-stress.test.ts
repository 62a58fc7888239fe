import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { attachVf } from '../src/assign/attach.ts';
import { detachVfs } from '../src/assign/detach.ts';
import { recoverLeases } from '../src/assign/recover.ts';
import { VfleetError } from '../src/base/errors.ts';
import { newSimVms, newVm } from '../src/hypervisor/simulated/sim-vms.ts';
import { openFileLeases } from '../src/lease/file-leases.ts';
import { listEveryLease } from '../src/lease/lease-store.ts';
import {
  copyWorld,
  factsOf,
  makeWorld,
  openProcess,
  problemsOf,
  removeFolders,
  request,
  vfsOf,
} from './assigning.fixture.ts';
import type { World } from './assigning.fixture.ts';

afterEach(removeFolders);

const run = promisify(execFile);

describe('many processes that take and give back the same VFs, while some are killed', () => {
  // To start them takes most of the time. The long form is `node scripts/stress.mjs`, by default with 64 processes.
  it.each([
    ['lease', '7', '16', '1000'],
    ['lease', '256', '8', '1000'],
    ['attach', '7', '8', '150'],
  ])(
    'never share one: %s, %s VFs',
    async (what, vfs, processes, rounds) => {
      const bounds = ['--seconds', '10', '--rounds', rounds, '--seed', '4'];
      const args = ['--what', what, '--vfs', vfs, '--processes', processes, ...bounds];
      const { stdout } = await run(process.execPath, ['scripts/stress.mjs', ...args]).catch(
        (error: { stdout: string }) => error,
      );
      const summary: unknown = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
      expect(summary).toMatchObject({ problems: [], taken: expect.any(Number), kills: expect.any(Number) });
      const { taken } = summary as { taken: number };
      expect(taken).toBeGreaterThan(0);
    },
    600_000,
  );
});

const manyVms = 12;

async function crowdedWorld(): Promise<World> {
  const spec = `
apiVersion: vfleet/v1
kind: Host
networks:
  - { name: storage, vlan: 200, maxTxRateMbps: 100 }
pfs:
  - match: { address: "0000:01:00.0" }
    networks: [storage]
    up: true
    vfs:
      count: 7
      default: { driver: igbvf }
`;
  const world = await makeWorld('igb', spec);
  const vms = Array.from({ length: manyVms }, (_, at) => newVm(`vm "><${at}`, at + 1));
  return { ...world, vms: newSimVms(vms) };
}

describe('many callers at once', () => {
  it('get a VF each, as long as there are any, and no address twice', async () => {
    const start = await crowdedWorld();
    const now = copyWorld(start);
    const { host } = openProcess(now);
    for (let round = 0; round < 3; round++) {
      const results = await Promise.allSettled(
        now.vms.vms.map(async ({ uuid }) => attachVf(host, now.readGround, request(uuid))),
      );
      const given = results.filter(({ status }) => status === 'fulfilled');
      const refusals = results.flatMap((each) =>
        each.status === 'rejected' ? [(each.reason as VfleetError).code] : [],
      );
      expect(given).toHaveLength(vfsOf(now).length);
      expect(new Set(refusals)).toEqual(new Set(['vf.unavailable']));
      const leases = await listEveryLease(openFileLeases(now.stateFolder));
      expect(new Set(leases.map(({ settings }) => settings.mac)).size).toBe(leases.length);
      expect(await problemsOf(now, start)).toEqual([]);
      const releases = await Promise.all(
        leases.map(async ({ owner }) => detachVfs(host, { vm: owner.name })),
      );
      expect(new Set(releases.flatMap((each) => each.releases.map(({ result }) => result)))).toEqual(
        new Set(['free']),
      );
      expect(await problemsOf(now, start)).toEqual([]);
      expect(factsOf(now)).toEqual(factsOf(start));
    }
  });

  it('for one VM get different addresses', async () => {
    const start = await crowdedWorld();
    const now = copyWorld(start);
    const { host } = openProcess(now);
    await Promise.all([0, 1, 2, 3].map(async () => attachVf(host, now.readGround, request('vm "><3'))));
    const leases = await listEveryLease(openFileLeases(now.stateFolder));
    expect(new Set(leases.map(({ settings }) => settings.mac)).size).toBe(4);
    expect(await problemsOf(now, start)).toEqual([]);
  });

  it('may recover while others attach, detach and pull plugs', async () => {
    const start = await crowdedWorld();
    const now = copyWorld(start);
    const { host, hypervisor } = openProcess(now);
    const ignore = (error: unknown): void => {
      if (!(error instanceof VfleetError) || !expected.has(error.code)) throw error;
    };
    const expected = new Set([
      'vf.unavailable',
      'lease.none',
      'lease.changed',
      'attach.undone',
      'hypervisor.refused',
    ]);
    await Promise.all([
      ...now.vms.vms.map(async ({ uuid }, at) => {
        for (let round = 0; round < 4; round++) {
          await attachVf(host, now.readGround, request(uuid)).catch(ignore);
          if ((at + round) % 3 === 0) {
            await hypervisor.destroy(uuid).catch(ignore);
            await hypervisor.start(uuid).catch(ignore);
          } else await detachVfs(host, { vm: uuid }).catch(ignore);
        }
      }),
      (async () => {
        for (let round = 0; round < 12; round++) await recoverLeases(host);
      })(),
    ]);
    await recoverLeases(host);
    expect(await problemsOf(now, start)).toEqual([]);
    for (const { uuid } of now.vms.vms) await detachVfs(host, { vm: uuid }).catch(ignore);
    expect(await listEveryLease(openFileLeases(now.stateFolder))).toEqual([]);
    expect(factsOf(now)).toEqual(factsOf(start));
  });
});
