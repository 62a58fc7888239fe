// Owns the comparison of an attach with libvirt's own on a processor: a real libvirtd, a running QEMU, and a simulated kernel.
// There is no VF on this machine, so libvirt plugs an emulated interface in its place, for vfleet and without it. With a VF
// libvirt takes longer: it binds a driver, locks the memory of the VM, and waits for a reset.

import { attachVf } from '../src/assign/attach.ts';
import type { Ground } from '../src/assign/ground.ts';
import { recoverLeases } from '../src/assign/recover.ts';
import type { Hypervisor } from '../src/hypervisor/hypervisor.ts';
import { connectLibvirt } from '../src/hypervisor/libvirt/hypervisor.ts';
import { LibvirtClient } from '../src/hypervisor/libvirt/libvirt-client.ts';
import { formatUuid } from '../src/hypervisor/libvirt/domain-state.ts';
import { procedures } from '../src/hypervisor/libvirt/remote-protocol.ts';
import { openProcess, request } from '../test/assigning.fixture.ts';
import type { World } from '../test/assigning.fixture.ts';
import {
  bridge,
  define,
  domainXml,
  libvirtdIsThere,
  startLibvirtd,
  startPaused,
} from '../test/libvirt/libvirtd.fixture.ts';
import { note, rowOf } from './result.ts';
import type { Row } from './result.ts';
import { figureOf, timeMs } from './sample.ts';

/** What vfleet may add, as a part of what libvirt takes. */
const maxPart = 0.1;
/**
 * The least that a VF takes libvirt beyond an emulated interface: the kernel resets it when QEMU opens it
 * (vfio_pci_core_enable), and sleeps so long at each function-level reset (drivers/pci/pci.c, pcie_flr).
 */
const resetMs = 100;
const rounds = 21;
const warmUpRounds = 6;
const live = { live: true, stored: false };
const vmName = 'web-1';

/** A libvirt that takes an emulated interface for each VF. */
function withEmulatedNics(libvirt: Hypervisor): Hypervisor {
  return {
    ...libvirt,
    attachNic: async (uuid, nic, scope) => {
      if (!('vf' in nic)) return libvirt.attachNic(uuid, nic, scope);
      const { mac, alias } = nic.vf;
      return libvirt.attachNic(uuid, { standby: { kind: 'bridge', bridge, mac, alias } }, scope);
    },
  };
}

/** No rows where there is no libvirtd, or no right to start one. */
export async function compareWithLibvirt(world: World, ground: Ground): Promise<readonly Row[]> {
  if (!libvirtdIsThere) return [];
  note('attach: a real libvirtd with an emulated interface');
  const libvirtd = await startLibvirtd();
  const { socketPath } = libvirtd;
  const client = new LibvirtClient({ socketPath });
  try {
    const dom = await define(client, domainXml(vmName));
    const uuid = formatUuid(dom.uuid);
    const libvirt = await connectLibvirt({ socketPath });
    const host = { ...openProcess(world).host, hypervisor: withEmulatedNics(libvirt) };
    // A guest that runs no instruction lets go of nothing: each time the VM is started anew.
    const inNewVm = async (attach: () => Promise<unknown>): Promise<number> => {
      await startPaused(client, dom);
      const elapsedMs = await timeMs(attach);
      await client.call(procedures.domainDestroy, { dom });
      await recoverLeases(host);
      return elapsedMs;
    };
    const nic = {
      standby: { kind: 'bridge', bridge, mac: '52:54:00:bb:00:01', alias: 'ua-bench' },
    } as const;
    const own: number[] = [];
    const added: number[] = [];
    for (let round = -warmUpRounds; round < rounds; round++) {
      const ownMs = await inNewVm(async () => libvirt.attachNic(uuid, nic, live));
      const oursMs = await inNewVm(async () => attachVf(host, async () => ground, request(vmName)));
      if (round < 0) continue;
      own.push(ownMs + resetMs);
      added.push(oursMs - ownMs);
    }
    libvirt.close();
    return [
      rowOf({
        section: 'attach',
        where: 'this machine',
        what: 'what vfleet adds to an attach, real libvirt and QEMU, simulated kernel',
        unit: 'ms',
        ours: figureOf(added),
        comparedWith: `libvirt's own, of an emulated interface, and the ${resetMs} ms of a VF's reset`,
        compared: figureOf(own),
        bound: maxPart,
      }),
    ];
  } finally {
    client.close();
    await libvirtd.stop();
  }
}
