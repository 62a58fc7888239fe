// Owns the PFs that the benchmark sets: devices of netdevsim, with 256 VFs each.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';

export const vfCount = 256;

const bus = '/sys/bus/netdevsim';

export interface BenchPf {
  /** As vfleet names it. */
  readonly address: string;
  readonly ifName: string;
  readonly ifIndex: number;
}

/** Makes the device with this number and its VFs. */
export function addPf(number: number): BenchPf {
  const device = `${bus}/devices/netdevsim${number}`;
  if (!existsSync(device)) writeFileSync(`${bus}/new_device`, `${number} 1`);
  writeFileSync(`${device}/sriov_numvfs`, '0');
  writeFileSync(`/sys/kernel/debug/netdevsim/netdevsim${number}/max_vfs`, String(vfCount));
  writeFileSync(`${device}/sriov_numvfs`, String(vfCount));
  const [ifName] = readdirSync(`${device}/net`);
  if (ifName === undefined) throw new Error(`netdevsim${number} has no interface`);
  const ifIndex = Number(readFileSync(`/sys/class/net/${ifName}/ifindex`, 'utf8'));
  return { address: `netdevsim/netdevsim${number}`, ifName, ifIndex };
}

/** Takes the device with this number away. */
export function removePf(number: number): void {
  if (existsSync(`${bus}/devices/netdevsim${number}`)) writeFileSync(`${bus}/del_device`, String(number));
}
