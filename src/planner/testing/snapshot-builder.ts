// Owns the compact form in which the planner's tests write a host, and its expansion into a whole snapshot.
// For tests only; every default is what a lab's 82576 shows.

import { z } from 'zod';
import { addressOfRequesterId, domainOf, parsePciAddress, requesterIdOf } from '../../base/identifiers.ts';
import { EswitchMode, type Pf } from '../../model/pf.ts';
import { snapshotVersion, type Snapshot } from '../../model/snapshot.ts';
import { VfHolder, VfSettings, type Vf } from '../../model/vf.ts';
import { untouchedVfSettings } from '../vf-settings.ts';

/** The driver that the model binds to the VFs of a PF driver by itself. */
export function usualVfDriverOf(pfDriver: string | undefined): string {
  if (pfDriver === 'mlx5_core') return 'mlx5_core';
  return pfDriver === 'ice' ? 'iavf' : 'igbvf';
}

/** A VF as it differs from an untouched one; `driver: none` for an unbound one, `absent` for unreported settings. */
export const CompactVf = z.strictObject({
  driver: z.string().optional(),
  driverOverride: z.string().optional(),
  settings: VfSettings.optional(),
  absent: z.array(z.string()).optional(),
  holders: z.array(VfHolder).optional(),
});
export type CompactVf = z.infer<typeof CompactVf>;

/** A PF as it differs from a port of an 82576 that is up and has no VFs. `vfs` is by index, `vfCycle` for the rest in turn. */
export const CompactPf = z.strictObject({
  address: z.string(),
  driver: z.string().optional(),
  mtu: z.int().optional(),
  maxMtu: z.int().optional(),
  up: z.boolean().optional(),
  netdev: z.boolean().optional(),
  eswitch: EswitchMode.optional(),
  autoprobe: z.boolean().optional(),
  totalVfs: z.int().optional(),
  numVfs: z.int().optional(),
  vfCycle: z.array(CompactVf).optional(),
  vfs: z.record(z.string(), CompactVf).optional(),
});
export type CompactPf = z.infer<typeof CompactPf>;

export const CompactSnapshot = z.strictObject({ pfs: z.array(CompactPf) });
export type CompactSnapshot = z.infer<typeof CompactSnapshot>;

/** Expands a compact host. */
export function buildSnapshot(compact: CompactSnapshot): Snapshot {
  return {
    apiVersion: 'vfleet/v1',
    kind: 'Snapshot',
    snapshotVersion,
    takenAt: '2025-01-01T00:00:00Z',
    host: { name: 'host-1', kernelRelease: '6.12.0', bootId: 'boot-1', numaNodes: [0], iommuGroupCount: 1 },
    pfs: compact.pfs.map((pf) => buildPf(pf)),
    unread: [],
  };
}

function buildPf(compact: CompactPf): Pf {
  const { address, numVfs = 0, eswitch } = compact;
  const isPci = parsePciAddress(address) !== undefined;
  const pf: Pf = {
    address,
    driver: compact.driver ?? (isPci ? 'igb' : 'netdevsim'),
    sriov: {
      totalVfs: compact.totalVfs ?? (isPci ? 7 : 0),
      numVfs,
      ...(isPci ? { driversAutoprobe: compact.autoprobe ?? true, firstVfOffset: 128, vfStride: 2 } : {}),
    },
    netdevs: compact.netdev === false ? [] : [uplinkOf(compact)],
    ...(eswitch === undefined ? {} : { devlink: devlinkOf(address, eswitch) }),
    vfs: [],
  };
  const cycle = compact.vfCycle ?? [{}];
  const vfs = Array.from({ length: numVfs }, (_, index) =>
    changeVf(pf, buildVf(pf, index), compact.vfs?.[index] ?? cycle[index % cycle.length] ?? {}),
  );
  return { ...pf, vfs };
}

function uplinkOf({ mtu = 1500, up = true, maxMtu }: CompactPf): Pf['netdevs'][number] {
  return { name: 'eth0', ifIndex: 2, mtu, up, ...(maxMtu === undefined ? {} : { minMtu: 68, maxMtu }) };
}

function devlinkOf(address: string, eswitchMode: EswitchMode): NonNullable<Pf['devlink']> {
  const handle = address.includes('/') ? address : `pci/${address}`;
  const versions = { fixed: {}, running: {}, stored: {} };
  return { handle, versions, eswitchMode, ports: [], healthReporters: [], parameters: [] };
}

/** A VF that was just made and has no driver. netdevsim remembers settings of earlier VFs: here always the same odd ones. */
export function buildVf(pf: Pf, index: number): Vf {
  const address = parsePciAddress(pf.address);
  if (address === undefined) {
    const remembered = { ...untouchedVfSettings, vlan: 7, qos: 1, linkState: 'enable', trust: true } as const;
    return { index, settings: { ...remembered, spoofCheck: true, maxTxRateMbps: 1000 }, holders: [] };
  }
  const { firstVfOffset = 128, vfStride = 2 } = pf.sriov;
  const requesterId = requesterIdOf(address) + firstVfOffset + vfStride * index;
  const spoofCheck = pf.driver !== 'mlx5_core';
  return {
    index,
    address: addressOfRequesterId(domainOf(address), requesterId),
    settings: { ...untouchedVfSettings, spoofCheck, trust: false },
    holders: [],
  };
}

function changeVf(pf: Pf, vf: Vf, compact: CompactVf): Vf {
  const { holders = [], absent = [], driverOverride } = compact;
  const given = { ...vf.settings, ...compact.settings };
  const settings = Object.fromEntries(Object.entries(given).filter(([name]) => !absent.includes(name)));
  const changed = { ...vf, settings, holders, ...(driverOverride === undefined ? {} : { driverOverride }) };
  if (vf.address === undefined || compact.driver === 'none') return changed;
  const driver = compact.driver ?? usualVfDriverOf(pf.driver);
  if (driver.includes('vfio')) return { ...changed, driver };
  return { ...changed, driver, netdev: `vf${vf.index}`, netdevMac: ownMacOf(changed) };
}

/** The address with which a kernel driver starts: the one set on the PF, or one it makes up. */
export function ownMacOf(vf: Vf): string {
  const { mac } = vf.settings;
  return mac === undefined || mac === untouchedVfSettings.mac ? '02:00:00:00:00:01' : mac;
}
