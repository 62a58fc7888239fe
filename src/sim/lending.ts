// Owns what a hypervisor does with a VF of a simulated host when it gives it to a VM and takes it back, as libvirt does
// with managed='yes': address and tag on the PF, vfio-pci, a process that has it open (libvirt, src/hypervisor/virhostdev.c).
// Each tag that it sets, also the one of before, has priority 0 and is 802.1Q.
// It is another process than ours: faults of our calls do not meet it.

import { VfleetError } from '../base/errors.ts';
import { attachDriver, loadModule } from './driver-binding.ts';
import { holdVf, releaseVf } from './holding.ts';
import type { SimHost } from './host.ts';
import type { SimFunction } from './host-index.ts';
import { isVfioDriver } from './host-index.ts';
import { commitWithNew, commitWithout } from './links.ts';
import { isVfHeld } from './vfio-use.ts';

/** The VM that gets a VF, and what the hypervisor sets on it. Without a tag it leaves the VF's alone. */
export interface SimBorrower {
  readonly vm: string;
  readonly mac: string;
  readonly vlan?: number | undefined;
}

type VfFunction = Extract<SimFunction, { role: 'vf' }>;

/** Gives a VF to a VM. Throws `host.invalid` when there is no such VF, it cannot be passed through, or it is in use. */
export function lendVf(host: SimHost, address: string, borrower: SimBorrower): void {
  host.enter();
  const fn = vfAt(host, address);
  if (fn === undefined) throw new VfleetError('host.invalid', `no device at ${address}`);
  const { vf, pf } = fn;
  if (isVfHeld(host, vf)) throw new VfleetError('host.invalid', `PCI device ${address} is in use`);
  if (vf.iommuGroup === undefined)
    throw new VfleetError('host.invalid', `PCI device ${address} has no IOMMU group`);
  if (loadModule(host, 'vfio-pci') !== undefined)
    throw new VfleetError('host.invalid', 'the driver vfio-pci is not there');
  const { mac, vlan } = vf.settings;
  vf.borrowed = { driver: vf.driver, mac, adminMac: vf.adminMac, vlan };
  vf.settings.mac = borrower.mac;
  if (borrower.vlan !== undefined) setTag(vf.settings, borrower.vlan);
  vf.adminMac = true;
  holdVf(host, pf.address, vf.index, { kind: 'vm', name: borrower.vm });
  // Whatever the guest does with it: filters, counters, memory of its queues.
  vf.dirt = `left by ${borrower.vm}`;
  host.commit();
}

/** Takes a VF back from the VM that has it, with the address, tag and driver of before. One that is gone is a success. */
export function returnVf(host: SimHost, address: string): void {
  host.enter();
  const fn = vfAt(host, address);
  if (fn === undefined) return;
  const { vf, pf } = fn;
  releaseVf(host, pf.address, vf.index);
  const { borrowed } = vf;
  if (borrowed === undefined) return;
  const { driver, adminMac, mac, vlan } = borrowed;
  Object.assign(vf.settings, { mac });
  setTag(vf.settings, vlan ?? 0);
  vf.adminMac = adminMac;
  vf.borrowed = undefined;
  if (driver === vf.driver || !isVfioDriver(vf.driver)) {
    host.commit();
    return;
  }
  commitWithout(host, [vf.netdev], () => {
    vf.driver = undefined;
    vf.netdev = undefined;
  });
  commitWithNew(host, driver === undefined ? [] : attachDriver(host, fn, driver));
}

function setTag(settings: VfFunction['vf']['settings'], vlan: number): void {
  Object.assign(settings, { vlan, qos: 0, vlanProtocol: '802.1Q' });
}

function vfAt(host: SimHost, address: string): VfFunction | undefined {
  const fn = host.index.functions.get(address);
  return fn?.role === 'vf' ? fn : undefined;
}
