// Owns what the planner knows of VF drivers: which one is the usual, and which give a VF away to user space.
// Facts and comparisons only; when a driver is bound is the business of pf-plan.ts.

import { noDriver, usualDriver } from '../model/target.ts';
import type { Vf } from '../model/vf.ts';

/**
 * The driver that Linux binds to the VFs of a PF driver by itself. A PF driver that is missing here costs nothing but a
 * step: its VFs are then bound by name.
 */
const usualVfDrivers: ReadonlyMap<string, string> = new Map([
  ['igb', 'igbvf'],
  ['ixgbe', 'ixgbevf'],
  ['i40e', 'iavf'],
  ['ice', 'iavf'],
  ['mlx5_core', 'mlx5_core'],
  ['bnxt_en', 'bnxt_en'],
  ['sfc', 'sfc'],
]);

/** Drivers that hold a device for somebody else and make no network interface of it; vfio ones are told by name. */
const stubDrivers: ReadonlySet<string> = new Set(['pci-stub', 'pciback', 'uio_pci_generic', 'igb_uio']);

/** Whether a driver makes no network interface of a VF: vfio and its variants (`mlx5_vfio_pci`), UIO and stubs. */
export function isPassThroughDriver(driver: string): boolean {
  return driver.includes('vfio') || stubDrivers.has(driver);
}

/** Whether new VFs of this PF driver get `wanted` by themselves; undefined means that the target does not care. */
export function isUsualVfDriver(pfDriver: string | undefined, wanted: string | undefined): boolean {
  if (wanted === undefined || wanted === usualDriver) return true;
  return pfDriver !== undefined && usualVfDrivers.get(pfDriver) === wanted;
}

/**
 * Whether a VF has the driver that is wanted: a driver's name, `kernel` or `none`. A VF with an override has not the
 * usual driver even when that one is bound, because the next probe would follow the override.
 */
export function hasVfDriver(vf: Pick<Vf, 'driver' | 'driverOverride'>, wanted: string): boolean {
  const { driver, driverOverride } = vf;
  if (wanted === noDriver) return driver === undefined;
  if (wanted !== usualDriver) return driver === wanted;
  return driver !== undefined && !isPassThroughDriver(driver) && driverOverride === undefined;
}
