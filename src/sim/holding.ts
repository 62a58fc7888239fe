// Owns who uses a VF on a simulated host: virtual machines, other processes, network namespaces, the host itself.
// These come and go behind vfleet's back; tests and demos call it.

import { VfleetError } from '../base/errors.ts';
import { attachDriver, loadModule } from './driver-binding.ts';
import type { SimHost } from './host.ts';
import { isVfioDriver } from './host-index.ts';
import type { SimFunction } from './host-index.ts';
import { commitWithNew, commitWithout } from './links.ts';
import type { SimNetdev, SimProcess } from './state.ts';
import { giveNetdev } from './vf-making.ts';
import { vfioNodesOf } from './vfio-use.ts';

/**
 * - `vm`: a QEMU process has the VF open through vfio; `iommufd`: by the device's own node and not by its group's.
 * - `vfio`: another process has.
 * - `netns`: the VF's interface lives in a network namespace, a named one, or with `unnamed` one that only a process of
 *   that name keeps.
 * - `netdev`: the VF's interface has an address on the host.
 */
export type SimHolder =
  | { readonly kind: 'vm'; readonly name: string; readonly iommufd?: boolean }
  | { readonly kind: 'vfio'; readonly name: string }
  | { readonly kind: 'netns'; readonly name: string; readonly unnamed?: boolean }
  | { readonly kind: 'netdev'; readonly address: string };

const commMaxCharacters = 15;

/** Takes a VF into use. The VF gets the driver that the use needs. Throws `host.invalid` when there is no such VF. */
export function holdVf(host: SimHost, pf: string, index: number, holder: SimHolder): void {
  host.enter();
  const fn = vfOf(host, pf, index);
  if (holder.kind === 'vm' || holder.kind === 'vfio') holdByVfio(host, fn, holder);
  else if (holder.kind === 'netns') holdByNetns(host, fn, holder);
  else {
    const netdev = withNetdev(host, fn);
    netdev.addresses = [...(netdev.addresses ?? []), holder.address];
    netdev.up = true;
    commitWithNew(host, [netdev]);
  }
}

/** Ends every use of a VF: processes close it, its interface comes back without addresses. Its driver stays. */
export function releaseVf(host: SimHost, pf: string, index: number): void {
  host.enter();
  const { vf } = vfOf(host, pf, index);
  const { state } = host;
  const nodes = vfioNodesOf(vf);
  if (nodes !== undefined) {
    state.processes = state.processes.filter(
      ({ openFiles }) => !openFiles.includes(nodes.group) && !openFiles.includes(nodes.device),
    );
  }
  const { netdev } = vf;
  if (netdev === undefined) {
    host.commit();
    return;
  }
  const { netns } = netdev;
  netdev.netns = undefined;
  netdev.addresses = undefined;
  netdev.master = undefined;
  const isEmpty =
    netns !== undefined && !state.pfs.some(({ vfs }) => vfs.some((each) => each.netdev?.netns === netns));
  if (isEmpty) {
    state.namespaces = state.namespaces.filter(({ inode }) => inode !== netns);
    state.processes = state.processes.filter((process) => process.netns !== netns);
  }
  commitWithNew(host, [netdev]);
}

type VfFunction = Extract<SimFunction, { role: 'vf' }>;

function vfOf(host: SimHost, pf: string, index: number): VfFunction {
  const found = host.pf(pf);
  const vf = found?.pf.vfs[index];
  if (found === undefined || vf?.address === undefined) {
    throw new VfleetError(
      'host.invalid',
      `the simulated host has no VF ${index} of ${pf} that could be used`,
    );
  }
  return { role: 'vf', address: vf.address, profile: found.profile, pf: found.pf, vf };
}

function addProcess(host: SimHost, process: Omit<SimProcess, 'pid'>): void {
  const pid = host.state.nextPid;
  host.state.nextPid += 1;
  host.state.processes.push({ pid, ...process });
}

function holdByVfio(
  host: SimHost,
  fn: VfFunction,
  holder: Extract<SimHolder, { kind: 'vm' | 'vfio' }>,
): void {
  const { vf } = fn;
  const nodes = vfioNodesOf(vf);
  if (nodes === undefined) {
    throw new VfleetError('host.invalid', `VF ${vf.index} of ${fn.pf.address} has no IOMMU group`);
  }
  if (!isVfioDriver(vf.driver)) {
    loadModule(host, 'vfio-pci');
    const { netdev } = vf;
    commitWithout(host, [netdev], () => {
      vf.netdev = undefined;
      attachDriver(host, fn, 'vfio-pci');
    });
  }
  const isVm = holder.kind === 'vm';
  const comm = isVm ? 'qemu-system-x86' : holder.name;
  addProcess(host, {
    comm: comm.slice(0, commMaxCharacters),
    commandLine: isVm ? qemuCommandLine(holder.name, fn.address) : [`/usr/bin/${holder.name}`],
    openFiles: [
      '/dev/vfio/vfio',
      'anon_inode:kvm-vm',
      isVm && holder.iommufd === true ? nodes.device : nodes.group,
    ],
  });
  host.commit();
}

function qemuCommandLine(name: string, address: string): string[] {
  const escaped = name.replaceAll(',', ',,');
  const device = JSON.stringify({ driver: 'vfio-pci', host: address, id: 'hostdev0' });
  return ['/usr/bin/qemu-system-x86_64', '-name', `guest=${escaped},debug-threads=on`, '-device', device];
}

function withNetdev(host: SimHost, fn: VfFunction): SimNetdev {
  const { vf, profile } = fn;
  if (vf.netdev !== undefined) return vf.netdev;
  const { vfDriver } = profile.card;
  if (vfDriver === undefined || (vf.driver !== undefined && vf.driver !== vfDriver)) {
    throw new VfleetError('host.invalid', `VF ${vf.index} of ${fn.pf.address} can have no interface now`);
  }
  host.cancelArrivals(fn.pf.address, vf.index);
  vf.driver = vfDriver;
  return giveNetdev(host.state, profile, vf);
}

function holdByNetns(host: SimHost, fn: VfFunction, holder: Extract<SimHolder, { kind: 'netns' }>): void {
  const { state } = host;
  const netdev = withNetdev(host, fn);
  const known =
    holder.unnamed === true ? undefined : state.namespaces.find(({ name }) => name === holder.name);
  const inode = known?.inode ?? newNetns(host, holder);
  commitWithout(host, [netdev], () => {
    netdev.netns = inode;
    netdev.up = true;
  });
  commitWithNew(host, [netdev]);
}

function newNetns(host: SimHost, holder: Extract<SimHolder, { kind: 'netns' }>): number {
  const { state } = host;
  const inode = state.nextNetns;
  state.nextNetns += 1;
  state.namespaces.push(holder.unnamed === true ? { inode } : { inode, name: holder.name });
  if (holder.unnamed === true) {
    const comm = holder.name.slice(0, commMaxCharacters);
    addProcess(host, { comm, commandLine: [`/usr/bin/${holder.name}`], openFiles: [], netns: inode });
  }
  return inode;
}
