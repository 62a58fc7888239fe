// Owns the reset of a VF on a simulated host: which methods there are, and what a reset takes away
// (drivers/pci/pci.c pci_reset_fn_methods, pci-sysfs.c reset_store and reset_method_store).

import { zeroMacAddress } from '../base/identifiers.ts';
import type { SimHost } from './host.ts';
import type { SimFunction } from './host-index.ts';
import type { SimPciCard, SimProfile } from './profile.ts';

type VfFunction = Extract<SimFunction, { role: 'vf' }>;

/** VFs have function-level reset (PCI Express Base Specification, SR-IOV); a bus reset needs to be alone on the bus. */
const usualMethods: readonly string[] = ['flr'];
/** Kernel in which reset_method came. */
const choiceSince: readonly [number, number] = [5, 15];

/** Methods of a VF, in the kernel's order; empty when it cannot be reset. */
export function resetMethodsOf(card: SimPciCard | undefined): readonly string[] {
  return card?.vfResetMethods ?? usualMethods;
}

/** Whether the kernel can be told which method to use. */
export function hasResetChoice(profile: SimProfile): boolean {
  const [major = 0, minor = 0] = profile.kernelRelease.split('.').map((part) => parseInt(part, 10));
  return major > choiceSince[0] || (major === choiceSince[0] && minor >= choiceSince[1]);
}

/** What `reset_method` shows. */
export function shownMethods({ vf, profile }: VfFunction): string {
  return (vf.resetMethods ?? resetMethodsOf(profile.card.pci)).join(' ');
}

/** Write of `reset_method`: names in an order, `default`, or nothing for none at all. */
export function chooseResetMethods(
  host: SimHost,
  { vf, profile }: VfFunction,
  text: string,
): string | undefined {
  const all = resetMethodsOf(profile.card.pci);
  const names = text.trim() === 'default' ? all : text.trim().split(/\s+/).filter(Boolean);
  if (names.some((name) => !all.includes(name))) return 'EINVAL';
  vf.resetMethods = [...names];
  host.commit();
  return undefined;
}

/** Write of `reset`: what a guest left in the VF is gone; what the PF holds for it stays. */
export function resetVf(host: SimHost, { vf, profile }: VfFunction, text: string): string | undefined {
  if (text.trim() !== '1') return 'EINVAL';
  const [method] = vf.resetMethods ?? resetMethodsOf(profile.card.pci);
  if (method === undefined) return 'ENOTTY';
  vf.dirt = undefined;
  vf.lastReset = method;
  if (vf.adminMac !== true && profile.card.rules.reportsGuestMac === true && vf.netdev === undefined)
    vf.settings.mac = zeroMacAddress;
  host.commit();
  return undefined;
}
