// The programs that vfleet asks, as they really answer: lldpd on a PF and in a VM's place on one of its VFs, and
// ibv_devinfo of a software RDMA device.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { readActiveMtu } from '../../src/kernel/programs/rdma-port.ts';
import { localKernel } from '../../src/kernel/local-kernel.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { applySpec, vfleetOk } from './command.ts';
import { interfaceOf, makeFolder, pf0, readSys, resetLab, run, succeeds, until, vfOf } from './lab-host.ts';

const timeoutMs = 300_000;
const state = makeFolder();

beforeAll(async () => {
  await resetLab();
  await applySpec(
    state,
    `  - match: { address: '${pf0}' }\n    up: true\n    vfs: { count: 1, default: { driver: kernel } }\n`,
  );
});

afterAll(resetLab);

describe('lldpd', () => {
  const daemons: ChildProcess[] = [];

  /** Starts an lldpd in the foreground. */
  function startLldpd([program, ...args]: readonly [string, ...string[]]): void {
    daemons.push(spawn(program, args, { stdio: 'ignore' }));
  }

  afterEach(async () => {
    for (const daemon of daemons.splice(0)) {
      const ended = once(daemon, 'exit');
      daemon.kill();
      await ended;
    }
  });

  it('is heard: the neighbour of the PF, with its VLANs, is in the snapshot', async () => {
    const pf = interfaceOf(pf0);
    const vf = interfaceOf(vfOf(pf0, 0));
    const mac = readSys(`/sys/class/net/${vf}/address`);
    await run('modprobe', ['8021q']);
    await run('ip', ['netns', 'add', 'neighbour']);
    await run('ip', ['link', 'set', 'dev', vf, 'netns', 'neighbour']);
    const ip = async (...args: string[]): Promise<string> => run('ip', ['-n', 'neighbour', ...args]);
    await ip('link', 'set', 'dev', vf, 'up');
    // Before the next test resets the port. igbvf then resets itself when it was sending, and when it is taken down at that
    // moment it waits for ever for its own queue to come to rest: igbvf_reset_task looks at nothing before napi_disable
    // (drivers/net/ethernet/intel/igbvf/netdev.c, Linux 6.12), and its removal waits for igbvf_reset_task.
    onTestFinished(async () => void (await ip('link', 'set', 'dev', vf, 'down')));
    await ip('link', 'add', 'link', vf, 'name', 'storage', 'type', 'vlan', 'id', '200');
    await ip('link', 'set', 'dev', 'storage', 'up');
    mkdirSync('/run/lldpd', { recursive: true });
    // All interfaces: an lldpd that is to look at the VF alone does not see the VLAN on it.
    startLldpd(['ip', 'netns', 'exec', 'neighbour', 'lldpd', '-d', '-u', '/run/neighbour.socket', '-I', '*']);
    startLldpd(['lldpd', '-d', '-u', '/run/lldpd.socket', '-I', pf]);
    const own = ['-u', '/run/lldpd.socket'];
    const other = ['-u', '/run/neighbour.socket'];
    await until(
      'both lldpd answer',
      async () =>
        (await succeeds('lldpcli', [...own, 'show', 'chassis'])) &&
        succeeds('lldpcli', [...other, 'show', 'chassis']),
    );
    await until('the PF has a neighbour with a VLAN', async () => {
      // Announces at once instead of every 30 s; the VLAN is known to it some time after its start only.
      await run('lldpcli', [...other, 'update']);
      await sleep(1000);
      return (await run('lldpcli', [...own, 'show', 'neighbors', 'details'])).includes('200');
    });
    const snapshot = JSON.parse(await vfleetOk(state, ['snapshot'])) as Snapshot;
    const netdev = snapshot.pfs.find(({ address }) => address === pf0)?.netdevs[0];
    expect(netdev?.lldp).toEqual({
      chassis: 'vfleet-lab',
      port: mac,
      vlans: [200],
    });
  });
});

describe('ibv_devinfo', () => {
  it('tells the active MTU, which follows that of the interface', async () => {
    const pf = interfaceOf(pf0);
    await run('modprobe', ['rdma_rxe']);
    await run('rdma', ['link', 'add', 'rxe0', 'type', 'rxe', 'netdev', pf]);
    try {
      const kernel = localKernel();
      expect(readSys('/sys/class/infiniband/rxe0/parent')).toBe(pf);
      expect(await readActiveMtu(kernel, 'rxe0', timeoutMs)).toBe(1024);
      await run('ip', ['link', 'set', 'dev', pf, 'mtu', '9000']);
      expect(await readActiveMtu(kernel, 'rxe0', timeoutMs)).toBe(4096);
      expect(await readActiveMtu(kernel, 'none0', timeoutMs)).toEqual({ errno: 'EIO' });
    } finally {
      await run('rdma', ['link', 'delete', 'rxe0']);
    }
  });
});
